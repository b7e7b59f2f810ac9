// Small comforts over pages that work without them: dialogs, copying, live fields. No page needs this file to do its work.
(() => {
  'use strict';
  const root = document.documentElement;
  root.classList.add('js');
  const dialog = () => document.getElementById('dialog');

  const copyText = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // Not allowed here; the older way below may be.
      }
    }
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'sr';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  };

  const announce = (text) => {
    const live = document.getElementById('announce');
    if (live) {
      live.textContent = text;
    }
  };

  document.addEventListener('click', async (event) => {
    const target = event.target.closest('[data-copy],[data-close],[data-theme-to]');
    document.querySelectorAll('details.menu[open]').forEach((menu) => {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    });
    if (!target) {
      if (event.target === dialog()) {
        dialog().close();
      }
      return;
    }
    if (target.dataset.copy !== undefined) {
      const from = document.getElementById(target.dataset.copy);
      let copied = false;
      try {
        copied = await copyText(from.textContent);
      } catch {
        copied = false;
      }
      if (copied) {
        target.classList.add('done');
        target.querySelector('use')?.setAttribute('href', target.dataset.doneIcon);
        announce(target.dataset.doneText);
        setTimeout(() => {
          target.classList.remove('done');
          target.querySelector('use')?.setAttribute('href', target.dataset.icon);
        }, 1600);
      }
    } else if (target.dataset.close !== undefined && dialog().open) {
      event.preventDefault();
      dialog().close();
    }
  });

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      document.querySelectorAll('details.menu[open]').forEach((menu) => {
        menu.open = false;
        menu.querySelector('summary').focus();
      });
    } else if (event.key === '/' && !event.target.closest('input,textarea,select,dialog') && !event.ctrlKey && !event.metaKey) {
      const search = document.querySelector('[data-hotkey="/"]');
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });

  // A typed name unlocks the button; the server checks it again.
  document.addEventListener('input', (event) => {
    const wanted = event.target.dataset?.mustEqual;
    if (wanted !== undefined) {
      event.target.form.querySelector('[type=submit]').disabled = event.target.value !== wanted;
    }
    const filter = event.target.dataset?.filter;
    if (filter !== undefined) {
      const needle = event.target.value.trim().toLowerCase();
      let shown = 0;
      document.querySelectorAll(`#${filter} > tr`).forEach((row) => {
        row.hidden = !row.textContent.toLowerCase().includes(needle);
        shown += row.hidden ? 0 : 1;
      });
      const count = document.getElementById(`${filter}-count`);
      if (count) {
        count.textContent = shown;
      }
    }
  });

  const prepare = (scope) => {
    scope.querySelectorAll('[data-must-equal]').forEach((input) => {
      input.form.querySelector('[type=submit]').disabled = input.value !== input.dataset.mustEqual;
    });
    scope.querySelectorAll('time[data-local]').forEach((time) => {
      time.title = new Date(time.dateTime).toLocaleString(root.lang);
    });
    scope.querySelectorAll('[data-scroll-end]').forEach((box) => {
      box.scrollTop = box.scrollHeight;
    });
  };

  // One press, one request.
  document.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (button && event.target.method !== 'dialog' && !button.hasAttribute('formaction')) {
      setTimeout(() => { button.disabled = true; }, 0);
      setTimeout(() => { button.disabled = false; }, 6000);
    }
  });

  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-submit]')) {
      event.target.form.requestSubmit();
    }
  });

  document.addEventListener('htmx:afterSwap', (event) => {
    if (event.detail.target.id === 'dialog') {
      const box = dialog();
      if (!box.open) {
        box.showModal();
      }
      prepare(box);
    }
  });
  document.addEventListener('htmx:afterSettle', (event) => prepare(event.detail.elt));
  // A refused form shows why: the server answers 4xx with the page that says so.
  document.addEventListener('htmx:beforeSwap', (event) => {
    if (event.detail.xhr.status >= 400 && (event.detail.target.id === 'dialog' || event.detail.xhr.getResponseHeader('HX-Retarget'))) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener('toggle', (event) => {
    if (event.target.matches?.('details.menu') && event.target.open) {
      event.target.querySelector('.pop a, .pop button')?.focus({ preventScroll: true });
    }
  }, true);
  // A refresh under an open menu would close it; the next one is soon enough.
  document.addEventListener('htmx:beforeRequest', (event) => {
    const elt = event.detail.elt;
    if (elt.matches('[data-live]') && (document.hidden || dialog().open || elt.querySelector('details.menu[open]') || (elt.contains(document.activeElement) && elt.hasAttribute('data-keep-focus')))) {
      event.preventDefault();
    }
  });
  document.addEventListener('DOMContentLoaded', () => prepare(document));
})();
