package dev.tenon.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ReadCacheTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final String KIND = "instance";
    private static final Query ALL = Query.of(KIND).build();
    private static final Commit COMMIT = Commit.builder()
            .addPuts(new Commit.Put(KIND, "a", "t", "", "Recycled", 0, 1, "{}"))
            .build();

    private final ReadCache cache = new ReadCache();
    private Document durable = document(1, "Active");

    private static Document document(long version, String state) {
        return new Document(KIND, "a", "t", "", state, 0, version, NOW, "{}");
    }

    private String found() {
        return cache.find(KIND, "a", () -> Optional.of(durable)).orElseThrow().state();
    }

    private String listed() {
        return cache.list(ALL, () -> List.of(durable)).get(0).state();
    }

    private void readBefore() {
        assertThat(found()).isEqualTo("Active");
        assertThat(listed()).isEqualTo("Active");
    }

    @Test
    void read_commitIsDurableButNotToldOf_isTheNewDocument() {
        readBefore();
        cache.changing(COMMIT);
        assertThat(found()).as("not durable yet").isEqualTo("Active");
        durable = document(2, "Recycled");
        assertThat(found()).isEqualTo("Recycled");
        assertThat(listed()).isEqualTo("Recycled");
        cache.committed(COMMIT, new CommitResult(List.of(2L), List.of(), NOW));
        cache.settled(COMMIT);
        durable = document(3, "never read");
        assertThat(found()).as("from memory").isEqualTo("Recycled");
    }

    @Test
    void read_commitWasRefused_isAnsweredFromMemoryAgain() {
        readBefore();
        cache.changing(COMMIT);
        cache.settled(COMMIT);
        durable = document(2, "never read");
        readBefore();
    }

    @Test
    void read_otherDocumentIsOnItsWay_findsFromMemoryAndListsAnew() {
        readBefore();
        cache.changing(Commit.builder()
                .addPuts(new Commit.Put(KIND, "b", "t", "", "Active", 0, 0, "{}"))
                .build());
        durable = document(1, "read");
        assertThat(found()).isEqualTo("Active");
        assertThat(listed()).isEqualTo("read");
    }
}
