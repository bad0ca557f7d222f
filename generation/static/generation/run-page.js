/** The page of a run that was live when the server drew it: the same view, from its snapshot and its log. */

import { embedded, find } from './dom.js';
import { liveDialog } from './live-dialog.js';

const { snapshot, at } = embedded('live-run');
liveDialog.follow({ run: snapshot.id, snapshot, at, opener: find(document, '#generate [type="submit"]', HTMLElement) });
