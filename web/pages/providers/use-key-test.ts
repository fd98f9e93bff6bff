/** Tests the key that serves a provider, or the stored one, and says in a notice what came of it. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { Provider } from '../../api/views.ts';
import { noticeOfNotDone } from '../../parts/states.tsx';
import { wordsOf } from '../../parts/verdict.tsx';

export function useKeyTest({ slug, display_name: name }: Pick<Provider, 'slug' | 'display_name'>) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async () =>
      read(api.POST('/api/v1/admin/providers/{slug}/test-key', { params: { path: { slug } }, body: {} })),
    onSuccess: ({ verdict, message, advice, response_time_ms: took }) => {
      const { word, color } = wordsOf(verdict);
      notifications.show({ color, title: `${name}: ${word}`, message: `${message} ${advice} (${took} ms)` });
      void refresh();
    },
    onError: (error) => notifications.show(noticeOfNotDone(error, `${name} was not tested`)),
  });
}
