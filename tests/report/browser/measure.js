// Looks at a page as it lies on the screen and writes what is wrong with it into the document.
//
// It is put into a copy of a report, at its end, and run by headless Chromium; browser_test.py reads
// the result. Each complaint begins with the rule that was broken. Nothing here can complain about
// what is not drawn: the counts of what was looked at come along.
(() => {
  const complaints = [];
  const say = (rule, what) => complaints.push(rule + ": " + what);
  const seen = {figures: 0, texts: 0, pairs: 0, tables: 0, width: innerWidth};
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 50);

  // Colours: relative luminance and contrast as WCAG 2 has them; lightness of CIE L*a*b*, in which
  // equal steps look equal in grey.
  const colour = (css) => {
    const numbers = css.match(/[\d.]+/g).map(Number);
    return {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((x) => {
      const v = x / 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const lightness = (css) => {
    const y = luminance(colour(css).rgb);
    return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = colour(getComputedStyle(e).backgroundColor);
      if (c.alpha > 0) return c.rgb;
    }
    return [255, 255, 255];
  };

  const overflow = () => {
    const room = document.documentElement.clientWidth;
    const wide = document.documentElement.scrollWidth;
    if (wide > room) say("overflow", `the page is ${wide} px wide, the window ${room} px`);
    for (const e of document.querySelectorAll("body *")) {
      if (e.closest("svg svg, svg *, .scroll *")) continue;
      const box = e.getBoundingClientRect();
      if (box.width > 0 && (box.right > room + 0.5 || box.left < -0.5)) {
        say("overflow", `<${e.tagName.toLowerCase()}> reaches from ${box.left} to ${box.right} px`);
      }
    }
    for (const table of document.querySelectorAll("table")) {
      ++seen.tables;
      if (!table.closest(".scroll")) say("overflow", "a table has no box of its own to scroll in");
    }
  };

  const texts = () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const e = node.parentElement;
      if (!node.data.trim() || e.closest("svg, script, style")) continue;
      if (!e.getClientRects().length) continue;
      ++seen.texts;
      const style = getComputedStyle(e);
      const ratio = contrast(colour(style.color).rgb, background(e));
      if (ratio < 4.5) say("contrast", `"${short(node.data)}" has ${ratio.toFixed(2)}`);
      if (parseFloat(style.fontSize) < 10) say("small", `"${short(node.data)}" ${style.fontSize}`);
    }
  };

  const inside = (inner, outer, room) =>
    inner.x >= outer.x - room && inner.y >= outer.y - room &&
    inner.x + inner.width <= outer.x + outer.width + room &&
    inner.y + inner.height <= outer.y + outer.height + room;
  const overlap = (a, b) => {
    const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return w > 1 && h > 3;  // boxes of text have room above and below the letters
  };
  const touch = (a, b) => {
    const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return (Math.abs(w) < 1 && h > 2) || (Math.abs(h) < 1 && w > 2);
  };

  const labels = (name, svg, view, zoom) => {
    const all = [...svg.querySelectorAll("text")].map((e) => ({e, box: e.getBBox()}));
    all.forEach(({e, box}, i) => {
      const size = parseFloat(e.getAttribute("font-size")) * zoom;
      if (size < 8) say("small", `${name}: "${short(e.textContent)}" is ${size.toFixed(1)} px`);
      const ratio = contrast(colour(getComputedStyle(e).fill).rgb, background(svg));
      if (ratio < 4.5) say("contrast", `${name}: "${short(e.textContent)}" ${ratio.toFixed(2)}`);
      if (!inside(box, view, 1)) say("cut", `${name}: "${short(e.textContent)}"`);
      for (const other of all.slice(i + 1)) {
        if (!overlap(box, other.box)) continue;
        say("collision", `${name}: "${short(e.textContent)}" and "${short(other.e.textContent)}"`);
      }
    });
  };

  // Marks that touch and differ in colour differ in grey as well. The steps of a scale do not: they
  // fall from the palest to either end.
  const grey = (name, svg) => {
    const marks = [...svg.querySelectorAll("rect")]
      .map((e) => ({box: e.getBBox(), fill: getComputedStyle(e).fill}))
      .filter((m) => m.box.width > 1 && m.box.height > 1);
    const scale = marks.filter((m) => marks.filter(
      (o) => o.box.x === m.box.x && o.box.width === m.box.width &&
             Math.abs(o.box.height - m.box.height) < 0.02).length >= 9);
    if (scale.length) {
      const steps = scale.map((m) => lightness(m.fill));
      const palest = steps.indexOf(Math.max(...steps));
      steps.forEach((l, i) => {
        const next = i < palest ? steps[i + 1] : steps[i - 1];
        if (i !== palest && l > next + 0.5) say("grey", `${name}: step ${i} of the scale`);
      });
      if (Math.max(...steps) - Math.min(...steps) < 40) say("grey", `${name}: a flat scale`);
    }
    const plain = marks.filter((m) => !scale.includes(m));
    plain.forEach((a, i) => {
      for (const b of plain.slice(i + 1)) {
        if (a.fill === b.fill || !touch(a.box, b.box)) continue;
        ++seen.pairs;
        const step = Math.abs(lightness(a.fill) - lightness(b.fill));
        if (step < 10) say("grey", `${name}: ${a.fill} beside ${b.fill}, L* ${step.toFixed(1)}`);
      }
    });
  };

  const figures = () => {
    for (const svg of document.querySelectorAll("svg")) {
      const title = svg.querySelector("title");
      const name = title ? short(title.textContent) : "a figure without a title";
      const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
      ++seen.figures;
      if (!title) say("title", name);
      if (box.width < 20 || box.height < 10) say("size", `${name}: ${box.width} x ${box.height}`);
      const drawn = [...svg.querySelectorAll("rect, path, line, circle")];
      if (!drawn.length) say("empty", name);
      for (const e of drawn) {
        if (!inside(e.getBBox(), view, 1)) say("cut", `${name}: a <${e.tagName}>`);
      }
      labels(name, svg, view, box.width / view.width);
      grey(name, svg);
    }
  };

  overflow();
  texts();
  figures();
  if (performance.getEntriesByType("resource").length) say("network", "the page loads a resource");
  const out = document.createElement("script");
  out.type = "application/json";
  out.id = "measured";
  out.textContent = JSON.stringify({seen, complaints}).replace(/</g, "\\u003c");
  parent.document.body.append(out);
})();
