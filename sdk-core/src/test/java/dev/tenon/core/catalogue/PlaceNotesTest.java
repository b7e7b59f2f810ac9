package dev.tenon.core.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.core.secret.MasterKey;
import dev.tenon.core.secret.Vault;
import dev.tenon.core.store.MemoryStore;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.delivery.PlaceState.Note;
import dev.tenon.spi.delivery.PlaceState.Write;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The store's notes and those in memory keep the same promises. */
class PlaceNotesTest {
    private final MemoryStore store = new MemoryStore(Clock.systemUTC());
    private final Vault vault = new Vault(MasterKey.unkept());

    @BeforeEach
    void open() {
        store.open();
    }

    @AfterEach
    void close() {
        store.close();
    }

    private PlaceState state(boolean stored) {
        return stored ? new PlaceNotes(store, vault, "hosts") : PlaceState.inMemory();
    }

    private static Write put(String key, long version, String text) {
        return new Write(key, version, Optional.of(text));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void write_isFoundAndListedByPrefix(boolean stored) {
        PlaceState state = state(stored);
        assertThat(state.write(
                        List.of(put("member/b", 0, "{\"n\":1}"), put("member/a", 0, "{}"), put("host/a", 0, "{}"))))
                .isTrue();
        assertThat(state.find("member/b")).contains(new Note("member/b", 1, "{\"n\":1}"));
        assertThat(state.list("member/")).extracting(Note::key).containsExactly("member/a", "member/b");
        assertThat(state.write(List.of(put("member/b", 1, "{}")))).isTrue();
        assertThat(state.find("member/b").orElseThrow().version()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void write_oneOfAnotherVersion_changesNothing(boolean stored) {
        PlaceState state = state(stored);
        assertThat(state.write(List.of(put("a", 0, "{}")))).isTrue();
        assertThat(state.write(List.of(put("b", 0, "{}"), put("a", 0, "{}")))).isFalse();
        assertThat(state.write(List.of(put("b", 0, "{}"), new Write("a", 7, Optional.empty()))))
                .isFalse();
        assertThat(state.write(List.of(put("b", 0, "{}"), new Write("a", 0, Optional.empty()))))
                .isFalse();
        assertThat(state.find("b")).isEmpty();
        assertThat(state.write(List.of(put("c", 0, "{}"), new Write("b", 0, Optional.empty()))))
                .isTrue();
        assertThat(state.write(List.of(new Write("a", 1, Optional.empty())))).isTrue();
        assertThat(state.find("a")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sealed_isOpenedInItsPlaceAlone(boolean stored) {
        PlaceState state = state(stored);
        Map<String, Secret> secrets = Map.of("password", Secret.of("correct horse"));
        String sealed = state.seal("a", 3, secrets);
        assertThat(sealed).doesNotContain("correct");
        assertThat(state.open("a", 3, sealed)).isEqualTo(secrets);
        assertThatThrownBy(() -> state.open("a", 4, sealed)).isInstanceOf(ProviderException.class);
        assertThatThrownBy(() -> state.open("b", 3, sealed)).isInstanceOf(ProviderException.class);
        assertThatThrownBy(() -> new PlaceNotes(store, vault, "other").open("a", 3, sealed))
                .isInstanceOf(ProviderException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1_000, 1_001})
    void list_moreThanAPage_isAll(int count) {
        PlaceState state = new PlaceNotes(store, vault, "hosts");
        for (int i = 0; i < count; i++) {
            assertThat(state.write(List.of(put("n/" + i, 0, "{}")))).isTrue();
        }
        assertThat(new PlaceNotes(store, vault, "other").list("")).isEmpty();
        assertThat(state.list("n/")).hasSize(count);
    }
}
