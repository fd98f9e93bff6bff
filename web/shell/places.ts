/** The views that one can go to, in the order of the menu and of the palette. */
import {
  AppWindow,
  ChartColumn,
  HeartPulse,
  KeyRound,
  Lock,
  MessageSquare,
  ScrollText,
  Server,
  Users,
  type LucideIcon,
} from 'lucide-react';

export interface Place {
  readonly to: string;
  readonly name: string;
  /** Other words that somebody may look for it by. */
  readonly words: string;
  readonly icon: LucideIcon;
}

export const places: readonly Place[] = [
  { to: '/providers', name: 'System Provider Keys', words: 'list set test rotate', icon: KeyRound },
  {
    to: '/health',
    name: 'Health and alerts',
    words: 'tests channels policies ages dates warnings',
    icon: HeartPulse,
  },
  {
    to: '/callers',
    name: 'Callers',
    words: 'gateway tokens applications limits budgets byok',
    icon: AppWindow,
  },
  { to: '/usage', name: 'Usage', words: 'requests tokens cost money models chart', icon: ChartColumn },
  { to: '/playground', name: 'Playground', words: 'try send chat model request curl', icon: MessageSquare },
  { to: '/audit', name: 'Audit', words: 'trail log events who chain export verify', icon: ScrollText },
  { to: '/administrators', name: 'Administrators', words: 'tokens roles sessions sign-on', icon: Users },
  { to: '/encryption', name: 'Encryption', words: 'ring re-encrypt backup', icon: Lock },
  { to: '/system', name: 'System', words: 'instances migrations jobs configuration version', icon: Server },
];
