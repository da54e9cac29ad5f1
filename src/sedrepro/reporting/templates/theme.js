(function () {
  var key = "sedrepro-theme", buttons = document.querySelectorAll("input[name=theme]");
  function each(what) { Array.prototype.forEach.call(buttons, what); }
  try {
    var kept = localStorage.getItem(key);
    each(function (button) {
      if (button.value === kept) { button.checked = true; }
      button.addEventListener("change", function () { localStorage.setItem(key, button.value); });
    });
  } catch (error) { /* storage is refused: the theme is not kept */ }
})();
