/** The routes of the admin API as the app itself registers them, built without a database: nobody asks it anything. */
import { createAdminApi } from '../src/admin-api/app.ts';
import type { AdminApiParts } from '../src/admin-api/admin-api-parts.ts';
import type { DeclaredRoute } from '../src/admin-api/admission.ts';
import { loadConfig } from '../src/foundation/config.ts';

export async function adminRoutes(): Promise<readonly DeclaredRoute[]> {
  const given = { config: loadConfig({}) };
  const parts = new Proxy(given, {
    get: (target, name) => (name === 'config' ? target.config : unused),
  });
  const app = await createAdminApi(parts as unknown as AdminApiParts);
  await app.close();
  return app.declaredRoutes;
}

/** Whatever is taken out of it, it is this again: enough to build with. */
const unused: unknown = new Proxy(() => undefined, { get: () => unused });
