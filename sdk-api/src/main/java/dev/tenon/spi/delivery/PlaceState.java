package dev.tenon.spi.delivery;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a delivery must find again after a restart and share with every other control plane of the installation, such as which host
 * carries which member: small notes in the installation's store. Thread-safe; failures to reach the store are
 * {@link dev.tenon.api.ProviderException}s with {@code STORE_UNAVAILABLE}, after which the outcome of a write is not known.
 */
public interface PlaceState {
    /**
     * A note.
     *
     * @param key its name within the delivery, 1 to 90 characters
     * @param version raised with every write
     * @param text JSON
     */
    record Note(String key, long version, String text) {}

    /**
     * What becomes of a note.
     *
     * @param key its name
     * @param expectedVersion the version it must have now; 0 if it must not exist
     * @param text JSON; empty to remove it, or only to require that it does not exist
     */
    record Write(String key, long expectedVersion, Optional<String> text) {}

    /** Returns one note. */
    Optional<Note> find(String key);

    /** Returns all notes whose keys start so, in order of their keys. */
    List<Note> list(String prefix);

    /** Writes all or nothing, durably; returns false if one of the notes has another version by now. */
    boolean write(List<Write> writes);

    /**
     * Returns secrets by name as a text that only this installation can open, to be put into a note.
     *
     * @param key the note that it is for
     * @param version the version which that note will have with it; in no other note or version can it be opened
     */
    String seal(String key, long version, Map<String, Secret> secrets);

    /**
     * Opens what was sealed.
     *
     * @param key the note that holds it
     * @param version of that note
     * @throws dev.tenon.api.ProviderException {@code INTERNAL} if it was changed, belongs elsewhere or is of another installation
     */
    Map<String, Secret> open(String key, long version, String sealed);

    /** Returns a state that is gone with this process, for deliveries that are used without a control plane. */
    static PlaceState inMemory() {
        return new PlaceState() {
            private final TreeMap<String, Note> notes = new TreeMap<>();
            /** Nothing leaves this process, so what is put into a note only says where to find them. */
            private final Map<String, Map<String, Secret>> sealed = new HashMap<>();

            @Override
            public synchronized Optional<Note> find(String key) {
                return Optional.ofNullable(notes.get(key));
            }

            @Override
            public synchronized List<Note> list(String prefix) {
                return notes.tailMap(prefix).values().stream()
                        .takeWhile(note -> note.key().startsWith(prefix))
                        .toList();
            }

            @Override
            public synchronized boolean write(List<Write> writes) {
                for (Write write : writes) {
                    if (find(write.key()).map(Note::version).orElse(0L) != write.expectedVersion()) {
                        return false;
                    }
                }
                for (Write write : writes) {
                    write.text()
                            .ifPresentOrElse(
                                    text -> notes.put(
                                            write.key(), new Note(write.key(), write.expectedVersion() + 1, text)),
                                    () -> notes.remove(write.key()));
                }
                return true;
            }

            private String place(String key, long version, String number) {
                return number + "@" + version + "/" + key;
            }

            @Override
            public synchronized String seal(String key, long version, Map<String, Secret> secrets) {
                String number = String.valueOf(sealed.size());
                sealed.put(place(key, version, number), Map.copyOf(secrets));
                return number;
            }

            @Override
            public synchronized Map<String, Secret> open(String key, long version, String number) {
                Map<String, Secret> secrets = sealed.get(place(key, version, number));
                if (secrets == null) {
                    throw new ProviderException(
                            ErrorCode.INTERNAL, "nothing was sealed so for version " + version + " of " + key);
                }
                return secrets;
            }
        };
    }
}
