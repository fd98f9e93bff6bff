/** Which providers and models a gateway token may use: those that its row names, and without names all. */
import type { Caller, TokenLimits } from '../auth/authenticate.ts';
import { KeywardError } from '../foundation/errors.ts';
import { shown } from './choose-provider.ts';

/** @param model its name at the provider; empty where the request names none, which takes leave for all of them */
export function mayUse(limits: TokenLimits | null, slug: string, model: string): boolean {
  if (limits === null) return true;
  const { allowedProviders, allowedModels } = limits;
  if (allowedProviders !== null && !allowedProviders.includes(slug)) return false;
  return allowedModels === null || allowedModels.some((pattern) => fits(pattern, `${slug}/${model}`));
}

/** @throws KeywardError token_not_allowed (403) */
export function refuseNotAllowed({ limits }: Caller, slug: string, model: string): void {
  if (mayUse(limits, slug, model)) return;
  if (limits?.allowedProviders?.includes(slug) === false)
    throw new KeywardError('token_not_allowed', {
      message: `This token may not use the provider "${slug}". Ask the administrator for it.`,
      param: 'model',
    });
  throw new KeywardError('token_not_allowed', {
    message:
      model === ''
        ? `This token may use some models of the provider "${slug}" only, and this request names none. Ask the administrator for ${slug}/*.`
        : `This token may not use the model "${shown(`${slug}/${model}`)}". Ask the administrator for it.`,
    param: 'model',
  });
}

/** @param pattern a text in which * stands for any text */
function fits(pattern: string, name: string): boolean {
  const [beginning = '', ...rest] = pattern.split('*');
  const end = rest.pop();
  if (end === undefined) return name === pattern;
  if (!name.startsWith(beginning)) return false;
  let from = beginning.length;
  for (const part of rest) {
    const found = name.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return name.length - end.length >= from && name.endsWith(end);
}
