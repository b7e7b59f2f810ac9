package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.spi.store.Commit;
import java.time.Duration;

/** Refuses what no store may take, the same for every store, before anything is queued. */
final class Limits {
    private static final Duration MAX_TTL = Duration.ofDays(1);

    private Limits() {}

    static void check(Commit commit) {
        for (Commit.Put put : commit.puts()) {
            length("kind", put.kind(), 32);
            length("id", put.id(), 128);
            if (put.shard() < 0 || put.shard() > 255) {
                throw new InvalidSpecException("shard", put.shard() + "; expected 0 to 255");
            }
            if (put.expectedVersion() < 0) {
                throw new InvalidSpecException("expectedVersion", put.expectedVersion() + "; expected 0 or more");
            }
        }
        for (Commit.Delete delete : commit.deletes()) {
            if (delete.expectedVersion() < -1) {
                throw new InvalidSpecException("expectedVersion", delete.expectedVersion() + "; expected -1 or more");
            }
        }
    }

    static void check(String lease, String holder, Duration ttl) {
        length("lease", lease, 256);
        length("holder", holder, 256);
        if (ttl.isNegative() || ttl.isZero() || ttl.compareTo(MAX_TTL) > 0) {
            throw new InvalidSpecException("ttl", ttl + "; expected more than 0, at most " + MAX_TTL);
        }
    }

    static void page(int limit, int most) {
        if (limit < 1 || limit > most) {
            throw new InvalidSpecException(ErrorCode.PAGE_INVALID, "limit", limit + "; expected 1 to " + most);
        }
    }

    private static void length(String field, String value, int max) {
        if (value.isEmpty() || value.length() > max) {
            throw new InvalidSpecException(field, value.length() + " characters; expected 1 to " + max);
        }
    }
}
