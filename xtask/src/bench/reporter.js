(() => {
  let paint, ready;
  const frame = () => new Promise(requestAnimationFrame);
  // The value that so many of a hundred do not exceed.
  const percentile = (values, part) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * part / 100) - 1];
  const type = text => {
    const field = document.getElementById("command");
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    return field;
  };

  // What is typed, with the name of each figure.
  const COMMANDS = [
    ["create", "kubectl create deployment web --image=nginx:1.29"],
    ["scale_to_10000", "kubectl scale deployment/web --replicas=10000"],
    ["settle_10000", "sleep 30"],
    ["list_10000", "kubectl get pods"],
  ];
  const large = async () => {
    const figures = [], bench = document.getElementById("bench");
    for (const [name, line] of COMMANDS) {
      const field = type(line), before = bench.dataset.revision;
      await frame();
      const started = performance.now();
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      do await frame(); while (bench.dataset.revision === before);
      figures.push(`${name}=${performance.now() - started}`);
    }
    const keys = [];
    for (let n = 1; n <= 40; n++) {
      const started = performance.now();
      type("kubectl get pods -o wide --field-selector".slice(0, n));
      await frame();
      keys.push(performance.now() - started);
    }
    figures.push(`key_with_10000=${percentile(keys, 95)}`, `drawn_with_10000=${bench.querySelectorAll("*").length}`);
    return figures.join("&");
  };

  // From 50 s on at 60 times the wall clock: every one of 28,232 ports cools in each frame, and from 60 s on they return.
  const heatmap = async () => {
    const lab = document.querySelector(".sports"), chart = lab.querySelector(".sp-chart");
    const key = key => chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    while (lab.dataset.complete !== "true") await frame();
    lab.querySelector("[data-speed='60']").click();
    // A message that is sent within a frame arrives once that frame has been drawn.
    const channel = new MessageChannel(), taken = [], apart = [], worked = [], moved = [];
    let began = 0;
    channel.port1.onmessage = () => taken.push(performance.now() - began);
    for (let round = 0; round < 6; round++) {
      key("Home");
      for (let n = 0; n < 5; n++) { key("PageUp"); await frame(); }
      if (lab.dataset.timeWait !== "28232") throw new Error(`${lab.dataset.timeWait} ports wait`);
      document.getElementById("sp-play").click();
      let last = await frame();
      while (lab.dataset.playing === "true") {
        began = await frame();
        channel.port2.postMessage(0);
        apart.push(began - last);
        worked.push(Number(lab.dataset.frameMs));
        last = began;
      }
    }
    for (const to of ["Home", "End", "PageDown", "PageDown", "Home", "PageUp", "ArrowRight", "PageUp", "End", "Home"]) {
      key(to);
      await frame();
      moved.push(Number(lab.dataset.actMs));
    }
    return `heatmap_frame_p95=${percentile(taken, 95)}&heatmap_frame_median=${percentile(taken, 50)}&heatmap_work_p95=${percentile(worked, 95)}` +
      `&heatmap_apart_p95=${percentile(apart, 95)}&heatmap_frames=${taken.length}&heatmap_scrub_max=${Math.max(...moved)}`;
  };

  const report = async () => {
    if (!paint || !ready || report.done) return;
    report.done = true;
    const further = { "?large": large, "?heatmap": heatmap }[location.search];
    fetch("/figures?" + (further ? await further() : `paint=${paint}&ready=${ready}`));
  };
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") paint = entry.startTime;
    report();
  }).observe({ type: "paint", buffered: true });
  const look = () => {
    if (document.querySelector("[data-page=home], [data-page=lesson] #bench, .sports")) { ready = performance.now(); report(); } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
