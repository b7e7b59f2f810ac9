package dev.tenon.server.auth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;

/** The accounts of this server, kept in one private file. Thread-safe. */
public final class Users {
    private static final String ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

    private record Entry(User user, PasswordHash hash) {}

    private record Row(
            String name, Role role, Optional<String> tenant, Optional<Boolean> disabled, String passwordHash) {}

    private record Content(int format, List<Row> users) {}

    private final PrivateFile file;
    private final ObjectMapper json;
    private final SecureRandom random;
    private final PasswordHash nobody = PasswordHash.ofNobody();

    // A hash takes a processor for a third of a second; a flood of logins shall not take all of them.
    private final Semaphore hashing =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    private volatile Map<String, Entry> entries;

    /** Reads the file if there is one. */
    public Users(Path file, ObjectMapper json, SecureRandom random) {
        this.file = new PrivateFile(file);
        this.json = json;
        this.random = random;
        this.entries = this.file.read().map(content -> parse(file, content)).orElseGet(Map::of);
    }

    private Map<String, Entry> parse(Path path, byte[] content) {
        try {
            Map<String, Entry> read = new TreeMap<>();
            for (Row row : json.readValue(content, Content.class).users()) {
                read.put(
                        row.name(),
                        new Entry(
                                new User(
                                        row.name(),
                                        row.role(),
                                        row.tenant().map(TenantId::new),
                                        row.disabled().orElse(false)),
                                PasswordHash.parse(row.passwordHash())));
            }
            return Map.copyOf(read);
        } catch (IOException | IllegalArgumentException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    path + " is damaged; restore it, or remove it to begin with a new admin password",
                    e);
        }
    }

    /** Returns a password that nobody has, of 24 letters and digits. */
    public Secret generate() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 24; i++) {
            text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return Secret.of(text.toString());
    }

    /** Returns all users by name. */
    public List<User> list() {
        return entries.values().stream()
                .map(Entry::user)
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }

    /** Finds a user, also one that is disabled. */
    public Optional<User> find(String name) {
        return Optional.ofNullable(entries.get(name)).map(Entry::user);
    }

    /** Returns what changes whenever a user's password does; empty if there is none of this name. */
    Optional<String> stamp(String name) {
        return Optional.ofNullable(entries.get(name))
                .filter(e -> !e.user().disabled())
                .map(e -> e.hash().text());
    }

    /** Adds a user; {@code NAME_TAKEN} if there is one of this name. */
    public synchronized void add(User user, Secret password) {
        if (entries.containsKey(user.name())) {
            throw new ConflictException(ErrorCode.NAME_TAKEN, "there is an account of this name already");
        }
        put(new Entry(user, PasswordHash.of(user.name(), password, random)));
    }

    /** Gives a user another password; {@code NOT_FOUND} if there is none of this name. */
    public synchronized void password(String name, Secret password) {
        put(new Entry(existing(name).user(), PasswordHash.of(name, password, random)));
    }

    /** Lets a user log in or not; {@code NOT_FOUND} if there is none, {@code ILLEGAL_STATE} for the last administrator. */
    public synchronized void disable(String name, boolean disabled) {
        Entry entry = existing(name);
        if (disabled) {
            requireAnother(entry.user());
        }
        User user = entry.user();
        put(new Entry(new User(user.name(), user.role(), user.tenant(), disabled), entry.hash()));
    }

    /** Removes a user; errors as for {@link #disable}. */
    public synchronized void remove(String name) {
        requireAnother(existing(name).user());
        Map<String, Entry> next = new TreeMap<>(entries);
        next.remove(name);
        save(next);
    }

    private void requireAnother(User user) {
        boolean another = entries.values().stream()
                .map(Entry::user)
                .anyMatch(u -> u.admin() && !u.disabled() && !u.name().equals(user.name()));
        if (user.admin() && !another) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE, "this is the last administrator that can log in; make another one first");
        }
    }

    private Entry existing(String name) {
        return Optional.ofNullable(entries.get(name))
                .orElseThrow(() -> new NotFoundException("no account of this name"));
    }

    /** Returns the user if the password is theirs. Takes as long for a name that does not exist. */
    Optional<User> verify(String name, Secret password) {
        Optional<Entry> entry = Optional.ofNullable(entries.get(name));
        hashing.acquireUninterruptibly();
        try {
            boolean matches = entry.map(Entry::hash).orElse(nobody).matches(password);
            return entry.map(Entry::user).filter(u -> matches && !u.disabled());
        } finally {
            hashing.release();
        }
    }

    private void put(Entry entry) {
        Map<String, Entry> next = new TreeMap<>(entries);
        next.put(entry.user().name(), entry);
        save(next);
    }

    private void save(Map<String, Entry> next) {
        List<Row> rows = new ArrayList<>();
        next.forEach((name, e) -> rows.add(new Row(
                name,
                e.user().role(),
                e.user().tenant().map(TenantId::value),
                Optional.of(e.user().disabled()),
                e.hash().text())));
        try {
            file.write(json.writeValueAsBytes(new Content(1, rows)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("rows of text can be written", e);
        }
        entries = Map.copyOf(next);
    }
}
