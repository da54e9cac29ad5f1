"""What the driver says of the GPUs: here a stand-in for its library, with cards of unequal size and MIG instances."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from sedrepro.base import gpus
from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Card, Gpu, has_cuda, pin, visible, visible_gpus

MIB = 2**20


class NVMLError(Exception):
    pass


def memory(total, used=0):
    return SimpleNamespace(total=total * MIB, free=(total - used) * MIB)


def device(uuid, name, total, used=0, mig=None):
    """A card; `mig` has its instances, None where it knows no MIG, and empty places are None."""
    return SimpleNamespace(uuid=uuid, name=name, memory=memory(total, used), mig=mig)


EIGHT = [device(f"GPU-{number}0", "NVIDIA A100", 40000, number) for number in range(8)]
UNEQUAL = [device("GPU-aa", "Tesla T4", 15000), device("GPU-ab", "NVIDIA H100", 80000)]
INSTANCES = [device("MIG-1", "H100 MIG 3g.40gb", 40000), None, device("MIG-2", "H100 MIG 3g.40gb", 40000, 100)]
PARTED = [device("GPU-p", "NVIDIA H100", 80000, mig=INSTANCES), device("GPU-q", "NVIDIA H100", 80000)]


@pytest.fixture
def driver(monkeypatch):
    """Puts cards into the machine."""
    monkeypatch.setattr(gpus, "has_driver", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def insert(cards):
        def mig_mode(card):
            if card.mig is None:
                raise NVMLError("not supported")
            return [1, 1]

        def mig_device(card, number):
            if card.mig[number] is None:
                raise NVMLError("not found")
            return card.mig[number]

        module = ModuleType("pynvml")
        module.open = 0
        module.NVMLError = NVMLError
        module.nvmlInit = lambda: setattr(module, "open", module.open + 1)
        module.nvmlShutdown = lambda: setattr(module, "open", module.open - 1)
        module.nvmlDeviceGetCount = lambda: len(cards)
        module.nvmlDeviceGetHandleByIndex = cards.__getitem__
        module.nvmlDeviceGetUUID = lambda card: card.uuid.encode()  # as old versions of the library
        module.nvmlDeviceGetName = lambda card: card.name
        module.nvmlDeviceGetMemoryInfo = lambda card: card.memory
        module.nvmlDeviceGetMigMode = mig_mode
        module.nvmlDeviceGetMaxMigDeviceCount = lambda card: len(card.mig)
        module.nvmlDeviceGetMigDeviceHandleByIndex = mig_device
        monkeypatch.setitem(sys.modules, "pynvml", module)
        return module

    return insert


def test_all_cards_are_listed_with_their_memory(driver):
    module = driver(EIGHT)
    seen = visible_gpus()
    assert [gpu.uuid for gpu in seen] == [f"GPU-{number}0" for number in range(8)]
    assert [gpu.index for gpu in seen] == list(range(8))
    assert (seen[3].name, seen[3].total, seen[3].free) == ("NVIDIA A100", 40000, 39997)
    assert module.open == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("1", ["GPU-ab"]),
        ("1,0", ["GPU-ab", "GPU-aa"]),
        ("GPU-ab", ["GPU-ab"]),
        (" GPU-ab , 0", ["GPU-ab", "GPU-aa"]),
        ("0,7,1", ["GPU-aa"]),
        ("0,-1,1", ["GPU-aa"]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_what_cuda_would_show_is_what_is_seen(driver, monkeypatch, words, expected):
    driver(UNEQUAL)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", words)
    seen = visible_gpus()
    assert [gpu.uuid for gpu in seen] == expected
    assert [gpu.index for gpu in seen] == list(range(len(expected)))


@pytest.mark.parametrize("words", ["GPU-a", "0,0", "0,GPU-aa"])
def test_a_card_that_is_not_named_once_is_an_error(driver, monkeypatch, words):
    driver(UNEQUAL)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", words)
    with pytest.raises(SettingsError, match="CUDA_VISIBLE_DEVICES") as caught:
        visible_gpus()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (None, ["MIG-1", "MIG-2", "GPU-q"]),
        ("0", ["MIG-1"]),
        ("MIG-2", ["MIG-2"]),
        ("MIG-2,MIG-1", ["MIG-2", "MIG-1"]),
        ("GPU-q,GPU-p", ["GPU-q", "MIG-1"]),
    ],
)
def test_mig_instances_take_the_place_of_their_card(driver, monkeypatch, words, expected):
    driver(PARTED)
    if words is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", words)
    assert [gpu.uuid for gpu in visible_gpus()] == expected


def test_a_card_in_mig_mode_without_an_instance_cannot_be_used():
    whole = Gpu(0, "GPU-a", "H100", 100, 100)
    assert visible([Card(whole, True)], None) == visible([Card(whole, True)], "0") == []


def test_without_the_library_torch_is_asked(driver, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpus, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (10 * MIB, 30 * MIB))
    named = SimpleNamespace(name="NVIDIA A100", uuid="1-2")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: named)
    (seen,) = visible_gpus()
    assert seen == Gpu(0, "GPU-1-2", "NVIDIA A100", 30, 10)
    assert not gpus.without_context()
    assert pin(Gpu(3, "GPU-x", "", 1, 1)) == 3
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_a_driver_that_does_not_answer_counts_as_no_library(driver, monkeypatch):
    module = driver(UNEQUAL)

    def fails():
        raise NVMLError("driver not loaded")

    module.nvmlInit = fails
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert visible_gpus() == []


def test_a_process_is_left_with_the_gpu_that_it_was_given(driver, monkeypatch):
    driver(PARTED)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1,MIG-2")
    assert pin(visible_gpus()[1]) == 0
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-2"


def test_torch_is_asked_about_cuda_only_where_a_driver_is(monkeypatch):
    seen = [Gpu(0, "GPU-a", "A100", 1, 1)]
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(gpus, "visible_gpus", lambda: seen)
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert not has_cuda()
    monkeypatch.setattr(Path, "exists", lambda self: str(self) == "/dev/nvidiactl")
    assert has_cuda()
    seen.clear()
    assert not has_cuda()
    seen.append(Gpu(0, "GPU-a", "A100", 1, 1))
    monkeypatch.setattr(torch.version, "cuda", None)  # a torch for processors only
    assert not has_cuda()
