/* NexaPay: the only script of our own. Everything it does has a no-JavaScript path. */
(() => {
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Look: the server renders data-theme and data-private from these cookies, so nothing flashes.
  // Here the change is only made at once; the form beside it still posts.
  const remember = (name, value) => {
    const secure = location.protocol === 'https:' ? ';secure' : '';
    document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax${secure}`;
  };
  const say = (text) => {
    const region = one('#say');
    region.textContent = '';
    requestAnimationFrame(() => { region.textContent = text; });
  };
  const dress = (theme) => {
    if (theme === 'auto') delete root.dataset.theme; else root.dataset.theme = theme;
    all('meta[name="theme-color"]').forEach((meta) => {
      meta.content = meta.dataset[theme === 'auto' ? meta.dataset.own : theme];
    });
    all('input[name="theme"]').forEach((radio) => { radio.checked = radio.value === theme; });
    remember('theme', theme);
  };
  document.addEventListener('change', (event) => {
    if (event.target.name === 'theme') dress(event.target.value);
  });
  const hide = () => {
    const on = root.toggleAttribute('data-private');
    all('[data-eye]').forEach((eye) => eye.setAttribute('aria-pressed', on));
    remember('private', on ? 1 : 0);
    say(on ? 'Amounts hidden' : 'Amounts shown');
  };

  // Buttons, each named by the attribute that it carries.
  const copy = (text) => navigator.clipboard.writeText(text).then(
    () => toast('Copied'),
    () => toast('We could not copy that', 'Select the text and copy it yourself.', true));
  const acts = {
    eye: (button, event) => { event.preventDefault(); hide(); },
    fill: (button) => {
      const input = one('[data-amount]', button.closest('form'));
      input.value = button.dataset.fill;
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.focus();
    },
    reveal: (button) => {
      const input = one(button.dataset.reveal), shown = input.type === 'password';
      input.type = shown ? 'text' : 'password';
      button.setAttribute('aria-pressed', shown);
    },
    copy: (button) => copy(one(button.dataset.copy).textContent.trim()),
    dismiss: (button) => button.closest('.toast').remove(),
    print: () => window.print(),
    share: (button) => {
      const text = button.dataset.share || document.title;
      if (navigator.share) navigator.share({ text }).catch(() => {}); else copy(text);
    },
    dialog: (button) => one(button.dataset.dialog).showModal(),
  };
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    Object.keys(acts).filter((name) => name in button.dataset).forEach((name) => acts[name](button, event));
  });

  // Amount: digits are grouped when the field is left. What is not clearly an amount stays as it was
  // typed, for the server to refuse: "12,50" must never turn into 1,250.
  const AMOUNT = /^(\d{1,13}|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})(?:\.(\d+))?$/;
  const grouped = new Intl.NumberFormat(root.lang, { maximumFractionDigits: 0 });
  document.addEventListener('focusout', ({ target }) => {
    if (!('amount' in target.dataset)) return;
    const places = Number(target.dataset.amount || 2);
    const match = AMOUNT.exec(target.value.replace(/[\s\u20b9$\u20ac\u00a3]/g, ''));
    if (!match || (match[2] || '').length > places) return;
    const whole = grouped.format(BigInt(match[1].replaceAll(',', '')));
    target.value = match[2] ? `${whole}.${match[2].padEnd(places, '0')}` : whole;
  });
  document.addEventListener('input', ({ target }) => {
    if (!('amount' in target.dataset)) return;
    all('[data-fill]', target.form).forEach((chip) => {
      chip.setAttribute('aria-pressed', chip.dataset.fill === target.value);
    });
  });

  // A plain form says that it is busy and goes out once; htmx forms say so by hx-disabled-elt.
  document.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button || event.target.method !== 'post') return;
    if (button.getAttribute('aria-busy') === 'true') { event.preventDefault(); return; }
    button.setAttribute('aria-busy', 'true');
    setTimeout(() => button.removeAttribute('aria-busy'), 10000);
  });
  window.addEventListener('pageshow', () => all('[aria-busy="true"]').forEach((button) => button.removeAttribute('aria-busy')));

  // Toasts: HX-Trigger {"toast": {"title": "...", "text": "...", "bad": true}}, or Django's messages
  // in the page. Good news leaves after six seconds, unless somebody is on it; failures stay.
  const STAY = 6000;
  const expire = (toast) => {
    let timer;
    const wait = () => { clearTimeout(timer); timer = setTimeout(() => toast.remove(), STAY); };
    const hold = () => clearTimeout(timer);
    toast.addEventListener('pointerenter', hold);
    toast.addEventListener('focusin', hold);
    toast.addEventListener('pointerleave', wait);
    toast.addEventListener('focusout', wait);
    wait();
  };
  function toast(title, text = '', bad = false) {
    if (all('#toasts b').some((other) => other.textContent === title)) return;
    const fresh = one(bad ? '#toast-bad' : '#toast-ok').content.firstElementChild.cloneNode(true);
    one('b', fresh).textContent = title;
    one('b + span', fresh).textContent = text;
    one('#toasts').append(fresh);
    if (!bad) expire(fresh);
  }
  all('#toasts .toast:not(.toast--bad)').forEach(expire);
  document.addEventListener('toast', ({ detail }) => toast(detail.title, detail.text, detail.bad));

  // What the page asks by itself: nothing while nobody looks, and nobody is told when it fails.
  const isQuiet = ({ detail }) => 'quiet' in detail.elt.dataset;
  document.addEventListener('htmx:beforeRequest', (event) => {
    if (isQuiet(event) && document.hidden) event.preventDefault();
  });
  document.addEventListener('notices-changed', () => say(one('#bell').ariaLabel));

  // When htmx gets no good answer. Only a refusal (4xx) proves that nothing happened: after anything
  // else a payment may have gone through, and we never say otherwise.
  const unsure = () => toast('We could not hear back', 'Look in Activity before you try again.', true);
  const lost = (event) => {
    if (isQuiet(event)) return;
    const { detail } = event;
    if (detail.requestConfig.verb !== 'get') unsure();
    else toast('No connection', 'This page may be out of date.', true);
  };
  document.addEventListener('htmx:sendError', lost);
  document.addEventListener('htmx:timeout', lost);
  document.addEventListener('htmx:responseError', (event) => {
    if (isQuiet(event)) return;
    const { detail } = event;
    const { status } = detail.xhr;
    if (status === 429) toast('Too many tries', 'Nothing was changed. Wait a minute and try again.', true);
    else if (status < 500) toast('That did not work', 'Nothing was changed. Load the page again and retry.', true);
    else if (detail.requestConfig.verb !== 'get') unsure();
    else toast('Something went wrong', 'Nothing was changed. Please try again.', true);
  });

  // Focus: after a swap, to the summary of errors, the first field in error, or the new heading.
  const TARGET = '[data-focus], [aria-invalid="true"]';
  document.addEventListener('htmx:afterSettle', ({ target }) => {
    if (!(target instanceof Element) || !target.isConnected) return;
    const place = target.matches(TARGET) ? target : one(TARGET, target);
    if (place) place.focus();
  });
})();
