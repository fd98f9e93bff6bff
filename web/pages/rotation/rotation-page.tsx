/** A rotation, one stage after the other: where it stands, what both keys serve, and the one thing to do next. */
import { Badge, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Navigate, useParams } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { ApiError } from '../../api/client.ts';
import { providerQuery, rotationQuery } from '../../api/provider-queries.ts';
import type { Provider, Rotation } from '../../api/views.ts';
import { AnchorLink, ButtonLink } from '../../parts/links.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { CurrentStage } from './current-stage.tsx';
import { standingOf, stepWords } from './stages.ts';
import { Stepper } from './stepper.tsx';
import { TrafficPanel } from './traffic-panel.tsx';
import { WayBack } from './way-back.tsx';

export function RotationPage() {
  const { slug, id } = useParams({ from: '/providers/$slug/rotations/$id' });
  const provider = useQuery(providerQuery(slug));
  const rotation = useQuery(rotationQuery(slug, id));
  const failed = rotation.error ?? provider.error;
  if (rotation.data === null)
    return (
      <NoRotation
        slug={slug}
        words={id === 'open' ? 'No rotation is open.' : `This provider has no rotation ${id}.`}
      />
    );
  if (rotation.data !== undefined && provider.data !== undefined) {
    // The address of the one that is open is good for as long as it is open; what is shared is this one.
    if (id === 'open')
      return <Navigate to="/providers/$slug/rotations/$id" params={{ slug, id: rotation.data.id }} replace />;
    return <Shown provider={provider.data} rotation={rotation.data} />;
  }
  if (failed instanceof ApiError && failed.status === 404)
    return <NoRotation slug={slug} words={failed.message} />;
  if (failed instanceof ApiError && failed.status === 400)
    return <NoRotation slug={slug} words="A rotation has a number." />;
  if (failed !== null)
    return (
      <Failure
        error={failed}
        what="The rotation cannot be read"
        onRetry={() => {
          void rotation.refetch();
          void provider.refetch();
        }}
      />
    );
  return <LoadingRows label="Reading the rotation" />;
}

function NoRotation({ slug, words }: { readonly slug: string; readonly words: string }) {
  return (
    <Notice
      isView
      title="There is no such rotation"
      action={
        <ButtonLink to="/providers/$slug" params={{ slug }}>
          To the provider
        </ButtonLink>
      }
    >
      {words}
    </Notice>
  );
}

export function WayUp({ slug, name }: { readonly slug: string; readonly name: string }) {
  return (
    <Group gap={6} fz="sm">
      <AnchorLink to="/providers" size="sm">
        System Provider Keys
      </AnchorLink>
      <span aria-hidden>/</span>
      <AnchorLink to="/providers/$slug" params={{ slug }} size="sm">
        {name}
      </AnchorLink>
    </Group>
  );
}

function Shown({ provider, rotation }: { readonly provider: Provider; readonly rotation: Rotation }) {
  const { slug, display_name: name } = provider;
  const standing = standingOf(rotation);
  const place = useFocusOnNext(`${rotation.step} ${standing.stage}`);
  const { traffic } = rotation;
  const wasTried =
    traffic.new.calls + traffic.old.calls > 0 || rotation.step === 'canary' || rotation.step === 'soaking';
  return (
    <>
      <PageHeader
        above={<WayUp slug={slug} name={name} />}
        title={`Rotation of the key of ${name}`}
        summary={
          <Group gap="xs">
            <Badge
              variant="light"
              tt="none"
              color={rotation.is_open ? 'yellow' : rotation.step === 'completed' ? 'green' : 'gray'}
            >
              {stepWords[rotation.step]}
            </Badge>
            <span>
              Number {rotation.id}, begun <RelativeTime at={rotation.started_at} /> by {rotation.started_by}
              {rotation.is_automatic && ', goes on by itself'}
              {rotation.is_forced && ', by force'}
              {rotation.reason !== null && `: “${rotation.reason}”`}
            </span>
          </Group>
        }
      />
      <Stepper standing={standing} />
      <Stack gap="md">
        <div ref={place} tabIndex={-1}>
          <CurrentStage provider={provider} rotation={rotation} standing={standing} />
        </div>
        {wasTried && <TrafficPanel rotation={rotation} />}
        {rotation.is_open && <WayBack provider={provider} rotation={rotation} />}
      </Stack>
    </>
  );
}

/** The button that led on is gone with its stage: whoever works by keyboard goes on at the next one, not at the top. */
function useFocusOnNext(stage: string) {
  const place = useRef<HTMLDivElement>(null);
  const seen = useRef(stage);
  useEffect(() => {
    if (seen.current === stage) return;
    seen.current = stage;
    if (document.activeElement === document.body) place.current?.focus({ preventScroll: true });
  }, [stage]);
  return place;
}
