/** As much of a browser as a sign-in needs: it keeps cookies by host and path, and goes where it is sent. */

export interface Page {
  /** Where it ended: the address that gave no redirect, or that was not to be followed. */
  readonly url: URL;
  readonly response: Response;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

export class Browser {
  /** By host, then by name. */
  readonly #jar = new Map<string, Map<string, Cookie>>();

  /**
   * Opens an address and follows redirects, until one leads where `stopAt` says: that one is not asked.
   * @returns the last answer; its `url` is where the next step would lead
   */
  async open(address: string | URL, stopAt: (url: URL) => boolean = () => false): Promise<Page> {
    let url = new URL(address);
    for (let steps = 0; steps < 20; steps += 1) {
      const response = await this.#get(url);
      const location = response.headers.get('location');
      if (location === null) return { url, response };
      await response.arrayBuffer();
      url = new URL(location, url);
      if (stopAt(url)) return { url, response };
    }
    throw new Error('too many redirects');
  }

  /** What would be sent to this address, as a Cookie header. */
  cookiesFor({ hostname, pathname }: URL): string {
    return [...(this.#jar.get(hostname) ?? [])]
      .filter(
        ([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  /** Puts the cookies of a host back to what they were, as somebody who kept a copy would. */
  remember(hostname: string): () => void {
    const kept = new Map(this.#jar.get(hostname));
    return () => this.#jar.set(hostname, kept);
  }

  async #get(url: URL): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: this.cookiesFor(url), accept: 'text/html' },
    });
    const cookies = this.#jar.get(url.hostname) ?? new Map<string, Cookie>();
    this.#jar.set(url.hostname, cookies);
    for (const line of response.headers.getSetCookie()) keep(cookies, line, url);
    return response;
  }
}

function keep(cookies: Map<string, Cookie>, line: string, { pathname }: URL): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const name = pair.slice(0, pair.indexOf('='));
  const attribute = (wanted: string): string | undefined =>
    attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
  const expires = attribute('expires');
  const isGone = attribute('max-age') === '0' || (expires !== undefined && new Date(expires) <= new Date());
  if (isGone) cookies.delete(name);
  else cookies.set(name, { value: pair.slice(name.length + 1), path: attribute('path') ?? pathname });
}
