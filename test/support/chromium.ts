import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type Page, chromium } from 'playwright-core';
import { ROOT } from './processes.js';

const ARTIFACTS = join(ROOT, 'test-artifacts');

/** Debian's Chromium, kept from reaching for anything but what the test opens. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Keeps a picture of the whole page as an artifact. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(ARTIFACTS, { recursive: true });
  writeFileSync(join(ARTIFACTS, `${name}.png`), await page.screenshot({ fullPage: true }));
}

/** Whether something is cut off or has to be scrolled to sideways. */
export function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
}

/**
 * Text that is not readable enough on what is behind it (WCAG 2.2, 1.4.3), controls without a name (4.1.2), and targets
 * that are too small (2.5.8): each as one line.
 */
export function accessibilityProblems(page: Page): Promise<string[]> {
  return page.evaluate(AUDIT);
}

// Runs in the page. Colours are those of the style sheet: no pictures, no gradients.
const AUDIT = `(() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.a > 0) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const problems = [];
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
  for (const element of document.querySelectorAll('body *')) {
    if (!hasText(element) && element.tagName !== 'INPUT') continue;
    if (element.type === 'hidden') continue;
    const [one, two] = [parse(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) problems.push('contrast ' + ratio.toFixed(2) + ': ' + element.outerHTML.slice(0, 80));
  }
  for (const control of document.querySelectorAll('button, input:not([type=hidden]), a[href]')) {
    const label = control.labels?.length > 0 ? control.labels[0].textContent : control.textContent;
    if (label.trim() === '') problems.push('no name: ' + control.outerHTML.slice(0, 80));
    const box = control.getBoundingClientRect();
    if (control.tagName !== 'A' && box.height < 24) problems.push('small: ' + control.outerHTML.slice(0, 80));
  }
  if (document.querySelectorAll('h1').length !== 1) problems.push('not one h1');
  if (document.documentElement.lang === '') problems.push('no language');
  if (document.title === '') problems.push('no title');
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) problems.push('an id is there twice');
  return problems;
})()`;
