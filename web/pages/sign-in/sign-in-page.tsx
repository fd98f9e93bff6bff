/** Sign in: with an admin token, or at the identity provider where one is configured. */
import {
  Alert,
  Anchor,
  Button,
  Center,
  Divider,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleAlert, LogIn } from 'lucide-react';
import { useEffect, useState, type FormEvent } from 'react';
import { ApiError } from '../../api/client.ts';
import { signInMethodsQuery, wasEndedQuery } from '../../api/queries.ts';
import { useSignIn } from '../../api/session.tsx';
import { Countdown } from '../../parts/countdown.tsx';
import { Brand } from '../../shell/brand.tsx';

export function SignInPage() {
  const [token, setToken] = useState('');
  const { data: wasEnded } = useQuery(wasEndedQuery);
  const { data: ways } = useQuery(signInMethodsQuery);
  const signIn = useMutation({ mutationFn: useSignIn(), onSettled: () => setToken('') });
  useEffect(() => {
    document.title = 'Sign in · Keyward';
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() !== '') signIn.mutate(token.trim());
  };
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper className="surface" p="xl" w="100%" maw={400}>
        <Stack gap="lg">
          <Brand size={32} />
          <Title order={1}>Sign in</Title>
          {wasEnded && (
            <Alert
              color="yellow"
              icon={<CircleAlert aria-hidden />}
              title="Your session is over"
              role="status"
            >
              The token it was begun with was revoked or has expired, or the session was ended elsewhere. Sign
              in again to go on where you were.
            </Alert>
          )}
          <form onSubmit={submit} autoComplete="off">
            <Stack gap="md">
              <PasswordInput
                label="Admin token"
                description={
                  <>
                    The first start showed one. At the server,{' '}
                    <span className="mono">npx keyward tokens create --admin NAME</span> makes another.
                  </>
                }
                value={token}
                onChange={({ currentTarget }) => setToken(currentTarget.value)}
                error={signIn.isError && <Told error={signIn.error} />}
                autoComplete="off"
                data-1p-ignore
                data-lpignore="true"
                spellCheck={false}
                autoFocus
                visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
              />
              <Button type="submit" loading={signIn.isPending} disabled={token.trim() === ''}>
                Sign in
              </Button>
            </Stack>
          </form>
          {ways?.methods.includes('oidc') === true && (
            <>
              <Divider label="or" />
              <Button
                component="a"
                variant="default"
                leftSection={<LogIn size={16} aria-hidden />}
                href={`/api/v1/admin/session/oidc/start?return_to=${encodeURIComponent(location.pathname + location.search)}`}
              >
                Single sign-on
              </Button>
            </>
          )}
          <Text size="sm" className="quiet">
            Programs use the token as it is: <Anchor href="/api/docs">the admin API</Anchor>.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}

function Told({ error }: { readonly error: Error }) {
  if (error instanceof ApiError && error.code === 'token_invalid')
    return 'This is no admin token that holds here. It may have been revoked, or have expired.';
  return (
    <>
      {error.message}{' '}
      {error instanceof ApiError && error.retryAt !== null && <Countdown until={error.retryAt} />}
    </>
  );
}
