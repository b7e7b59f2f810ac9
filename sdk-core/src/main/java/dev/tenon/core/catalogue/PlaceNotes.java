package dev.tenon.core.catalogue;

import dev.tenon.api.Secret;
import dev.tenon.core.secret.Vault;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The notes of one delivery as documents of the store; secrets in them are encrypted under the master key. Thread-safe. */
public final class PlaceNotes implements PlaceState {
    private static final String KIND = "place-note";
    private static final String NO_TENANT = "-";
    private static final int PAGE = 1_000;

    private final StateStore store;
    private final Vault vault;
    private final String delivery;

    /** Keeps the notes of a delivery in an open store. */
    public PlaceNotes(StateStore store, Vault vault, String delivery) {
        this.store = store;
        this.vault = vault;
        this.delivery = delivery;
    }

    private String id(String key) {
        return delivery + "/" + key;
    }

    private Note note(Document document) {
        return new Note(document.id().substring(delivery.length() + 1), document.version(), document.body());
    }

    @Override
    public Optional<Note> find(String key) {
        return store.find(KIND, id(key)).map(this::note);
    }

    @Override
    public List<Note> list(String prefix) {
        List<Note> found = new ArrayList<>();
        Optional<String> after = Optional.empty();
        List<Document> page;
        do {
            page = store.list(
                    Query.of(KIND).parent(delivery).after(after).limit(PAGE).build());
            page.stream()
                    .map(this::note)
                    .filter(n -> n.key().startsWith(prefix))
                    .forEach(found::add);
            after = page.isEmpty()
                    ? after
                    : Optional.of(page.get(page.size() - 1).id());
        } while (page.size() == PAGE);
        return found;
    }

    @Override
    public boolean write(List<Write> writes) {
        Commit.Builder commit = Commit.builder();
        for (Write write : writes) {
            if (write.text().isPresent()) {
                commit.addPuts(new Commit.Put(
                        KIND,
                        id(write.key()),
                        NO_TENANT,
                        delivery,
                        "",
                        0,
                        write.expectedVersion(),
                        write.text().get()));
            } else if (write.expectedVersion() == 0) {
                commit.addChecks(new Commit.Check(KIND, id(write.key()), 0));
            } else {
                commit.addDeletes(new Commit.Delete(KIND, id(write.key()), write.expectedVersion()));
            }
        }
        try {
            store.commit(commit.build());
            return true;
        } catch (CommitRefusedException e) {
            return false;
        }
    }

    private Vault.Place place(String key, long version) {
        return new Vault.Place(NO_TENANT, KIND, id(key), version);
    }

    @Override
    public String seal(String key, long version, Map<String, Secret> secrets) {
        return vault.seal(place(key, version), secrets);
    }

    @Override
    public Map<String, Secret> open(String key, long version, String sealed) {
        return vault.open(place(key, version), sealed);
    }
}
