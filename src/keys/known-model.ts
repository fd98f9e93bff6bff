/** A row of llm_models, as far as it tells where a request for the model goes. */
export interface KnownModel {
  /** By which callers may ask for it. */
  readonly name: string;
  readonly slug: string;
  /** Its name at the provider. */
  readonly modelId: string;
  readonly displayName: string;
}
