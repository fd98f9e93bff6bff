/** Names for what the admin API gives, taken from its document. */
import type { components, paths } from './schema.ts';

type Schemas = components['schemas'];
export type Provider = Schemas['Provider'];
export type ProviderHealth = Schemas['ProviderHealth'];
export type Rotation = Schemas['Rotation'];
export type KeyVersion = Schemas['KeyVersion'];
export type KeyTraffic = Schemas['KeyTraffic'];
export type KeyPolicy = Schemas['KeyPolicy'];
export type RecordedTest = Schemas['RecordedTest'];
export type KeySweep = Schemas['KeySweep'];
type Answers<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Answer } } } };
}
  ? Answer
  : never;
export type KeyStatus = Answers<'/api/v1/admin/providers/{slug}/key-status'>;
export type KeyManagement = Answers<'/api/v1/admin/providers/{slug}/key-management'>;
export type RotationSchedule = Answers<'/api/v1/admin/providers/{slug}/rotation-schedule'>;
export type UsageSum = Answers<'/api/v1/admin/usage'>['usage'][number];
export type UsageByHour = Answers<'/api/v1/admin/usage/hours'>;
export type KeyWarning = Schemas['KeyWarning'];
export type DailyTest = Schemas['DailyTest'];
export type Alert = Schemas['Alert'];
export type AlertAct = Answers<'/api/v1/admin/alerts/{id}'>['acts'][number];
export type AlertDelivery = Schemas['AlertDelivery'];
export type AlertChannel = Schemas['AlertChannel'];
export type AuditEvent = Schemas['AuditEvent'];
export type AuditTrailReport = Schemas['AuditTrailReport'];
export type AuditFilter = Omit<
  NonNullable<paths['/api/v1/admin/audit-logs']['get']['parameters']['query']>,
  'limit' | 'cursor'
>;
export type NewChannel =
  paths['/api/v1/admin/alert-channels']['post']['requestBody']['content']['application/json'];
export type ChannelSettings = NonNullable<NewChannel['settings']>;
export type Session = paths['/api/v1/admin/session']['get']['responses'][200]['content']['application/json'];
export type SetKeyAnswer =
  paths['/api/v1/admin/providers/{slug}/set-key']['post']['responses'][200]['content']['application/json'];
export type Token =
  paths['/api/v1/admin/tokens']['get']['responses'][200]['content']['application/json']['data'][number];
export type NewToken = paths['/api/v1/admin/tokens']['post']['responses'][201]['content']['application/json'];
export type UserKey = Schemas['UserKey'];
export type UserKeyFilter = Pick<
  NonNullable<paths['/api/v1/admin/user-keys']['get']['parameters']['query']>,
  'q' | 'provider'
>;
export type ListedSession =
  paths['/api/v1/admin/sessions']['get']['responses'][200]['content']['application/json']['data'][number];
export type EncryptionKeys =
  paths['/api/v1/admin/encryption-keys']['get']['responses'][200]['content']['application/json'];
export type System = paths['/api/v1/admin/system']['get']['responses'][200]['content']['application/json'];
