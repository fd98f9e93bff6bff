/**
 * Fernet keys that stand in public documentation or serve as some program's default, so that everybody
 * has them. Kept as SHA-256 digests of their 32 bytes: this file hands none of them on.
 */
import { createHash } from 'node:crypto';

const digests = new Set([
  // fernet/spec: the key of all its test vectors
  'cbeb362f1fa69a6691db592f4529cf6bea1ce089eb132a3350c9081279ff8f34',
  // the test key of the first Fernet libraries (Ruby, Go, Java, Python)
  '38b9b65deb728d7f3045481376ac3dd492b0ca28f8597e186111455c42e44403',
  // Airflow: the docker-compose files of docker-airflow and Bitnami, and their many copies
  '5ca278330d08b9ce5bb4e0c8755263873be3b92f5db329c5562d445b3e022232',
  '3990442a9e73e2e289f7c0c4f1c9dc85d3d54268f208748631ecb46b1ef9f3df',
  '0f734c24bf4fc8bfc2f726504e59c7d2b0a54d67ec6a50426b460d5def8a50e4',
  // Airflow: values.yaml of the community Helm chart
  '813d2c8fa8a4a4fc5a6b88cf7fa8b35a7d6bc7f56a6f340ea30f1b2726932c72',
  // Airflow: the local environment of the Astronomer command line
  '4f5cc30eafdb6315847f4942a47db139689a42fd760f48bf966eb922d46804b7',
  // airflow-fernet-secrets: README
  'fa48e29fe8de0a32ef83fafb3ce99fe07bcc3696e4d00c3d54f19ad5234f759f',
  // OpenMetadata: the default FERNET_KEY
  '27f07153e181a917d86a06332d46e4ce770c32bb93047acc982a69fc99fa7e4e',
  // the favourite example of tutorials and generated documentation, BYOK_ENCRYPTION_KEY included, and a variant
  '679c4b4e978ca360978b6ddf44cd4021a2e3392299ad1bf1a52b68e4b0d19296',
  '3c864e3f741845bd9ca6f4ff0d6709c072ddbe2d165846f923ef4deafd940041',
  // Python tutorials on encrypting passwords
  '4a8eae118d29855f6dd55f3012b62cb585e7e3c527afe32c4b3adb42ad5d7166',
  // a programming puzzle that thousands of repositories hold
  'a2465aa2a32c07cc7e291a9a1f32f0fcb6911f3c5ab4d5d5ec3a0a2f07d3d60a',
  // a docker-compose placeholder that spells "test key, please change"
  'fb6cb95075ddc3ef854ba0bc8265229ec7d7b3cb7ca4cb9a804ef144cb2fb649',
]);

export function isPublishedKey(bytes: Buffer): boolean {
  return digests.has(createHash('sha256').update(bytes).digest('hex'));
}
