// In place of kept_indexer.cc, where the library has no store, or no way to write messages into it.

#include "kept_indexer.h"

errand::Result<std::unique_ptr<Indexer>> open_kept_indexer(const Options&, Index&) {
  return errand::Error(errand::Code::invalid,
                       "this build has no store; configure it with -DERRAND_JSON=ON and -DERRAND_SQLITE=ON");
}
