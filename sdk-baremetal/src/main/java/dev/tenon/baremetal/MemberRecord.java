package dev.tenon.baremetal;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.TenantId;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.immutables.value.Value;

/**
 * What a host must remember of a member to observe, end and remove it without being told its workload again. Written
 * atomically as {@code member.json}; holds no secret.
 */
@Value.Immutable
@SdkStyle
@JsonSerialize(as = ImmutableMemberRecord.class)
@JsonDeserialize(as = ImmutableMemberRecord.class)
interface MemberRecord {
    /** Form of this record; a newer one is refused rather than misread. */
    int FORMAT = 1;

    int format();

    TenantId tenant();

    InstanceId instance();

    String member();

    boolean ephemeral();

    /** Absolute path of the directory that holds this record and the member's lasting directories. */
    String home();

    /** Highest epoch seen. */
    long epoch();

    /** Whether it must accept nothing until it is started again. */
    boolean fenced();

    /** Whether everything was prepared once; before that a repeated prepare starts over. */
    boolean complete();

    /** Build and home of the software it was initialised with; later passes keep to it. */
    String softwareKey();

    String softwareHome();

    Map<String, Integer> ports();

    /** Absolute paths of its directories by name. */
    Map<String, String> directories();

    /** Names of those directories that hold the engine's log files. */
    List<String> logDirectories();

    /** Bytes each directory may hold by name, where the workload said so. */
    Map<String, Long> sizes();

    /** Main process first. */
    List<ProcessEntry> processes();

    ReadyEntry ready();

    /** Socket for administration; empty where the engine offers none here. */
    String adminSocket();

    /** Port for administration; 0 where a socket serves. */
    int adminPort();

    int cpuMillis();

    long memoryBytes();

    /** Run of the main process that still uses the files of before; empty if none does. */
    String staleIncarnation();

    /** Directories of limits made for it. */
    List<String> cgroups();

    /** One process and how it is asked to end, and how if its data goes. */
    record ProcessEntry(String name, String signal, long graceMillis, String discard) {
        /** Records written before there was a second way name only the first. */
        public ProcessEntry {
            discard = discard == null ? signal : discard;
        }
    }

    /**
     * How to tell that it is ready, with all holes filled.
     *
     * @param port to connect to; 0 if another way is used
     * @param file to read; empty if another way is used
     * @param line what a line of the file starts with, or a text that the command prints when it succeeds
     * @param command to run; empty if another way is used
     */
    record ReadyEntry(int port, String file, String line, List<String> command) {
        static final ReadyEntry ALWAYS = new ReadyEntry(0, "", "", List.of());
    }

    /** Returns a builder that holds what this record says; maps and lists given to it replace what it holds. */
    default ImmutableMemberRecord.Builder edit() {
        return ImmutableMemberRecord.builder().from(this);
    }

    /** Returns whom this is about. */
    default MemberRef ref() {
        return new MemberRef(tenant(), instance(), member());
    }

    /** Returns this record with other limits. */
    default MemberRecord limited(Resources resources) {
        return edit().cpuMillis(resources.cpuMillis())
                .memoryBytes(resources.memory().bytes())
                .build();
    }

    /**
     * Returns this record with a larger directory. Directories share the file system and have no limit of their own, so that growing one
     * is only remembered.
     *
     * @throws ProviderException {@code SHRINK_UNSUPPORTED} if it has more already
     */
    default MemberRecord grown(String directory, DataSize size) {
        path(directory);
        long now = sizes().getOrDefault(directory, 0L);
        if (size.bytes() < now) {
            throw Failures.of(
                    ErrorCode.SHRINK_UNSUPPORTED,
                    directory + " of " + ref() + " has " + DataSize.bytes(now) + " and cannot shrink to " + size);
        }
        Map<String, Long> grown = new HashMap<>(sizes());
        grown.put(directory, size.bytes());
        return edit().sizes(grown).build();
    }

    /** Returns where one of its directories lies. */
    default Path path(String directory) {
        String path = directories().get(directory);
        if (path == null) {
            throw new InvalidSpecException(
                    "directory", directory + "; the member has " + directories().keySet());
        }
        return Path.of(path);
    }

    /** Returns where one of its files lies: below its directory, whatever the workload says. */
    default Path target(FileSpec file) {
        Path directory = path(file.directory());
        Path target = directory.resolve(file.path()).normalize();
        if (!target.startsWith(directory) || target.equals(directory)) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "file " + file.path() + " lies outside of its directory");
        }
        return target;
    }

    /** Returns one of its processes. */
    default ProcessEntry process(String name) {
        return processes().stream()
                .filter(p -> p.name().equals(name))
                .findFirst()
                .orElseThrow(() -> Failures.of(ErrorCode.PROVIDER_FAILED, ref() + " has no process " + name));
    }

    /** Returns those of its processes that are not among the given ones. */
    default List<String> missing(Set<String> alive) {
        return processes().stream()
                .map(ProcessEntry::name)
                .filter(name -> !alive.contains(name))
                .toList();
    }

    /** Returns the record of a member of which nothing exists yet. */
    static MemberRecord fresh(MemberRef ref, boolean ephemeral, String home, long epoch) {
        return ImmutableMemberRecord.builder()
                .format(FORMAT)
                .tenant(ref.tenant())
                .instance(ref.instance())
                .member(ref.member())
                .ephemeral(ephemeral)
                .home(home)
                .epoch(epoch)
                .fenced(false)
                .complete(false)
                .softwareKey("")
                .softwareHome("")
                .ready(ReadyEntry.ALWAYS)
                .adminSocket("")
                .adminPort(0)
                .cpuMillis(0)
                .memoryBytes(0)
                .staleIncarnation("")
                .build();
    }
}
