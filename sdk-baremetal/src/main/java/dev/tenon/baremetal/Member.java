package dev.tenon.baremetal;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.ErrorCode;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One member as this process knows it; the truth is its record on disk and the kernel's process table. */
final class Member {
    /** Loaded with the first record on disk: a JVM with only throw-away members need not wait for it. */
    private static final class Json {
        /** What a record says beyond what we know was of no more use; what we cannot do without has a new format number. */
        static final ObjectMapper MAPPER =
                new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
    }

    private final MemberRef ref;
    private final MembersRoot root;
    private final RunAs runAs;
    /** Keeps the verbs of one member apart; observers do not take it. */
    final ReentrantLock lock = new ReentrantLock();

    final Map<String, Running> running = new ConcurrentHashMap<>();
    /** The run of the main process that was seen ready; it stays ready until it ends. */
    volatile String readyIncarnation = "";
    /** Why the main process ended unasked; empty otherwise. */
    volatile String lastEnd = "";

    private volatile @Nullable Known known;

    private record Known(Object fileKey, long modified, MemberRecord content) {}

    Member(MemberRef ref, MembersRoot root, RunAs runAs) {
        this.ref = ref;
        this.root = root;
        this.runAs = runAs;
    }

    MemberRef ref() {
        return ref;
    }

    MembersRoot root() {
        return root;
    }

    Path home() {
        return root.home(ref.externalName());
    }

    Path recordFile() {
        return home().resolve("member.json");
    }

    Path runFile(String process) {
        return home().resolve(process + ".run");
    }

    Path output(String process) {
        return home().resolve(process + ".out");
    }

    /** Returns the record, read again only if somebody wrote it since. That of a throw-away member is nobody else's business. */
    Optional<MemberRecord> read() {
        if (!root.durable()) {
            return Optional.ofNullable(known).map(Known::content);
        }
        try {
            BasicFileAttributes file = Files.readAttributes(recordFile(), BasicFileAttributes.class);
            Known last = known;
            Object key = String.valueOf(file.fileKey());
            long modified = file.lastModifiedTime().to(java.util.concurrent.TimeUnit.NANOSECONDS);
            if (last != null && last.fileKey().equals(key) && last.modified() == modified) {
                return Optional.of(last.content());
            }
            MemberRecord content = parse(recordFile());
            known = new Known(key, modified, content);
            return Optional.of(content);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw Failures.io("reading " + recordFile(), e);
        }
    }

    static MemberRecord parse(Path file) throws IOException {
        return parse(Files.readAllBytes(file), file);
    }

    /** @param where it was read, for people */
    static MemberRecord parse(byte[] json, Object where) throws IOException {
        MemberRecord content = Json.MAPPER.readValue(json, MemberRecord.class);
        if (content.format() > MemberRecord.FORMAT) {
            throw Failures.of(
                    ErrorCode.PROVIDER_FAILED,
                    where + " was written by a newer release (format " + content.format() + ", this one knows "
                            + MemberRecord.FORMAT + ")");
        }
        return content;
    }

    static <T> T parse(String json, Class<T> type) throws IOException {
        return Json.MAPPER.readValue(json, type);
    }

    /** Returns a record as one line of text. */
    static byte[] json(Object content) throws IOException {
        return Json.MAPPER.writeValueAsBytes(content);
    }

    /** Replaces the record; {@code sync} makes it survive a power failure. */
    MemberRecord write(MemberRecord content, boolean sync) {
        if (!root.durable()) {
            known = new Known("", 0, content);
            return content;
        }
        try {
            Disk.replace(recordFile(), json(content), 0600, sync, runAs, false);
            return content;
        } catch (IOException e) {
            throw Failures.io("writing " + recordFile(), e);
        }
    }

    /**
     * Whether it was ready once: from then on somebody may know its ports, so that they never change. A file of its own, because
     * replacing the record makes ext4 flush it.
     */
    boolean everReady() {
        return Files.exists(home().resolve("ready-once"));
    }

    void noteReady() {
        try {
            Path note = home().resolve("ready-once");
            if (Files.notExists(note)) {
                Files.createFile(note, Disk.mode(0600));
            }
        } catch (IOException e) {
            throw Failures.io("noting that " + ref + " was ready", e);
        }
    }

    /** Forgets what was known; its home is gone. */
    void forget() {
        known = null;
    }

    /** Returns the processes that run, main process first, adopting those that another JVM started. */
    Map<String, Running> alive(MemberRecord content, Launcher launcher) {
        Map<String, Running> alive = new LinkedHashMap<>();
        for (MemberRecord.ProcessEntry entry : content.processes()) {
            Running ours = running.get(entry.name());
            if (ours != null && !ours.alive()) {
                running.remove(entry.name(), ours);
                ours = null;
            }
            if (ours == null) {
                Optional<Running> adopted = launcher.adopt(runFile(entry.name()));
                if (adopted.isPresent()) {
                    ours = adopted.get();
                    running.put(entry.name(), ours);
                }
            }
            if (ours != null) {
                alive.put(entry.name(), ours);
            }
        }
        return alive;
    }
}
