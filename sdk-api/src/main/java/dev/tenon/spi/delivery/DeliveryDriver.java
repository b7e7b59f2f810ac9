package dev.tenon.spi.delivery;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Software;
import java.io.InputStream;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A place that runs members: child processes of this machine, SSH hosts, virtual machines, Kubernetes.
 *
 * <p>Level-triggered: every verb states what shall be true, may be called again at any time, after a crash between any two calls,
 * and does only what is missing. Verbs that change something carry the caller's {@link Epoch}; an epoch lower than the
 * highest seen for that member is refused with {@code FENCED} and changes nothing. What the place cannot do is missing from
 * {@link #capabilities()} and refused with {@code UNSUPPORTED}.
 *
 * <p>Thread-safe. Calls for different members may run at the same time; calls for one member are serialised by the caller, but a
 * second control plane may call too, which the epoch sorts out. Calls block; an interrupted call restores the flag and throws
 * {@code PROVIDER_UNAVAILABLE}. All failures are {@link dev.tenon.api.ProviderException}s.
 */
public interface DeliveryDriver extends AutoCloseable {
    /** Returns the place's name, 1 to 32 characters of {@code a-z0-9-}; stored with every instance it carries. */
    String id();

    /** Starts the driver; called once before anything else. Finds members that earlier processes left running. */
    void start(DeliveryContext context);

    /** Returns what this place can do here and now, every part of it that is known; changes only when what it consists of does. */
    Set<Capability> capabilities();

    /** Returns zones, hosts and what members may use of them. */
    PlaceCapacity capacity();

    /** Returns the software this place can run, best build of each version first. */
    List<SoftwareOffer> software();

    /**
     * Runs a program of the software outside any member, as the unprivileged user, to ask it something (such as which parameters
     * it has).
     *
     * @throws dev.tenon.api.ProviderException {@code SOFTWARE_MISSING}, {@code SOFTWARE_CORRUPT}, {@code TIMEOUT}
     */
    ExecResult runTool(Software software, Command command);

    /** Returns every member this place holds anything of, so that orphans can be found. */
    List<MemberRef> members();

    /** Looks at one member. Never throws for a member that does not exist. */
    ObservedMember observe(MemberRef ref);

    /** Looks at many members at once; places where this is cheaper than one by one override it. */
    default List<ObservedMember> observeAll(Collection<MemberRef> refs) {
        return refs.stream().map(this::observe).toList();
    }

    /**
     * Makes directories, assigns ports, installs the software, runs what initialisation is missing and writes the files, but
     * starts nothing. A changed file of a running member takes effect as its {@code onChange} says: {@code RELOAD} is
     * carried out here, {@code RESTART} shows as {@link ObservedMember#restartPending()}.
     *
     * @throws dev.tenon.api.ProviderException {@code DISK_FULL}, {@code PORT_TAKEN}, {@code SOFTWARE_MISSING},
     *     {@code SOFTWARE_CORRUPT}, {@code WRONG_OWNER}, {@code CAPACITY_EXCEEDED}, {@code PROVIDER_FAILED} with the
     *     program's own words
     */
    ObservedMember prepare(MemberWorkload workload, Epoch epoch);

    /**
     * Replaces the content of one directory of a prepared member that does not run, all or nothing: what {@code tar} holds is laid
     * beside it, and takes its place only after the archive has ended. Then writes the workload's files there. A member left
     * half way by a crash is as before, or {@code INCOMPLETE}; then it is filled anew.
     *
     * @param directory one of {@link MemberWorkload#filled()}
     * @param tar plain files and directories only, paths below the directory; not closed here
     * @throws dev.tenon.api.ProviderException {@code PROVIDER_FAILED} if the archive holds anything else, or if the member runs;
     *     {@code DISK_FULL}; {@code UNSUPPORTED} without {@link Capability#FILL}; what reading the archive throws
     */
    ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch);

    /**
     * Gives the directories to be filled of a prepared member that was never filled the very content with which those of another
     * member began, if both would be copies of one template. Then writes the workload's files there. A member left half way by a crash is
     * {@code INCOMPLETE}.
     *
     * @param other a member that was initialised, and never filled
     * @return the member, complete; nothing if this is not so or the place has no such template: then nothing has changed
     */
    default Optional<ObservedMember> fillAlike(MemberWorkload workload, MemberRef other, Epoch epoch) {
        return Optional.empty();
    }

    /**
     * Starts the prepared member's processes that do not run and waits until it is ready, at most {@code timeout}.
     *
     * @throws dev.tenon.api.ProviderException {@code PORT_TAKEN}, {@code TIMEOUT}, {@code PROVIDER_FAILED} with the exit code
     *     and the last lines of the log
     */
    ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout);

    /** Stops the member's processes, in reverse order, and waits until they are gone. */
    ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode);

    /** Makes sure that the member accepts nothing any more and stays so until {@link #start} with a higher or equal epoch. */
    void fence(MemberRef ref, Epoch epoch);

    /** Runs a command as the member's user, beside its processes. */
    ExecResult exec(MemberWorkload workload, Command command, Epoch epoch);

    /**
     * Changes the processor and memory limits of a member, running or not.
     *
     * @throws dev.tenon.api.ProviderException {@code UNSUPPORTED} without {@link Capability#RESIZE_IN_PLACE} while it runs
     */
    void resize(MemberRef ref, Resources resources, Epoch epoch);

    /** Grows one directory's storage; shrinking is refused with {@code SHRINK_UNSUPPORTED}. */
    void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch);

    /** Returns the last lines of the member's processes' output and log files, oldest first; at most {@code lines}, at most 10,000. */
    List<String> logs(MemberRef ref, int lines);

    /** Returns what the member uses now. */
    MemberMetrics metrics(MemberRef ref);

    /** Takes the member away. Idempotent, also for a member that never existed or is half made. */
    void destroy(MemberRef ref, Epoch epoch, DestroyMode mode);

    /**
     * Takes the member away like {@link #destroy} with {@code EVERYTHING}, also where its host does not answer: then nobody finds it here
     * any more at once, and what is left of it is removed as soon as the host answers, before anything else is done there. Idempotent. Only
     * for members that have no part in what the instance promises.
     *
     * @throws dev.tenon.api.ProviderException {@code UNSUPPORTED} without {@link Capability#GIVE_UP}
     */
    default void giveUp(MemberRef ref, Epoch epoch) {
        throw new ProviderException(ErrorCode.UNSUPPORTED, "the place " + id() + " does not give members up");
    }

    /**
     * Looks at what other control planes may have written to {@link DeliveryContext#state}, such as hosts that came or went. Called about
     * once a second where the store is shared; must cost next to nothing when there is nothing new.
     */
    default void refresh() {}

    /** Ends what this driver itself runs: watchers, pools, ephemeral members. Durable members go on. */
    @Override
    void close();
}
