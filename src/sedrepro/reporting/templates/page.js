(function () {
  var key = "sedrepro-theme", buttons = document.querySelectorAll("input[name=theme]");
  function each(list, what) { Array.prototype.forEach.call(list, what); }
  function all(what) { return document.querySelectorAll(what); }

  /* The theme is kept. */
  try {
    var kept = localStorage.getItem(key);
    each(buttons, function (button) {
      if (button.value === kept) { button.checked = true; }
      button.addEventListener("change", function () { localStorage.setItem(key, button.value); });
    });
  } catch (error) { /* storage is refused: the theme is not kept */ }

  /* A link opens what it leads to. */
  function reveal(element) {
    for (var one = element; one; one = one.parentElement) {
      if (one.tagName === "DETAILS") { one.open = true; }
    }
  }
  function follow() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { reveal(target); target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", function (event) {  /* again to where one is already */
    var link = event.target.closest("a[href^='#']");
    if (link ? link.getAttribute("href") === location.hash : false) { follow(); }
  });
  follow();

  /* What is printed is open. */
  var opened = [];
  window.addEventListener("beforeprint", function () {
    each(all("details.item:not([open])"), function (item) { item.open = true; opened.push(item); });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (i) { i.open = false; }); opened = []; });

  /* What is wider than its place says that it can be scrolled. */
  if (window.ResizeObserver) {
    var watcher = new ResizeObserver(function (entries) {
      requestAnimationFrame(function () {
        entries.forEach(function (entry) {
          entry.target.classList.toggle("wide", entry.target.scrollWidth > entry.target.clientWidth + 1);
        });
      });
    });
    each(all(".scroll"), function (part) { watcher.observe(part); });
  }

  /* Commands are copied. */
  function copyOf(code) {
    if (navigator.clipboard) { return navigator.clipboard.writeText(code.textContent); }
    getSelection().selectAllChildren(code);
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject();
  }
  each(all("button.copy"), function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var code = button.parentElement.querySelector("code");
      function say(what) { button.textContent = what; setTimeout(function () { button.textContent = "copy"; }, 1500); }
      copyOf(code).then(function () { say("copied"); }, function () {
        getSelection().selectAllChildren(code); say("selected");
      });
    });
  });

  /* Search: what does not hold the words is hidden, the first hits are opened and marked. */
  var field = document.getElementById("search"), found = document.getElementById("found"), items = all("details.item");
  field.form.hidden = false;
  field.form.addEventListener("submit", function (event) {
    event.preventDefault();
    var first = document.querySelector("details.item.hit");
    if (first) { first.open = true; first.scrollIntoView(); }
  });
  function places(item, words) {
    var walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT), ranges = [], node, at, range;
    while ((node = walker.nextNode())) {
      at = node.data.toLowerCase().indexOf(words);
      if (at >= 0) {
        range = new Range(); range.setStart(node, at); range.setEnd(node, at + words.length); ranges.push(range);
      }
    }
    return ranges;
  }
  field.addEventListener("input", function () {
    var words = field.value.trim().toLowerCase(), hits = 0, ranges = [];
    document.documentElement.classList.toggle("searching", words !== "");
    each(items, function (item) {
      var hit = words === "" ? false : item.textContent.toLowerCase().indexOf(words) >= 0;
      item.classList.toggle("hit", hit);
      if (hit) { hits += 1; ranges = ranges.concat(places(item, words)); }
    });
    found.textContent = words ? hits + (hits === 1 ? " part" : " parts") : "";
    if (window.Highlight) {
      CSS.highlights.delete("search");
      if (ranges.length) { CSS.highlights.set("search", new Highlight(...ranges)); }
    }
  });
})();
