package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Resources;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.MemberMetrics;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.delivery.SoftwareOffer;
import dev.tenon.spi.delivery.StopMode;
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
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A delivery that is only a description until it is started; then every verb goes to what runs. What no kind of host can do is refused
 * here.
 *
 * @param <H> what runs
 */
abstract class HostedDelivery<H extends DeliveryDriver> implements DeliveryDriver {
    private static final int MOST_LINES = 10_000;
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,31}");

    private volatile @Nullable H running;

    /** Returns a name if it has the form of those of places, zones and hosts. */
    static String name(String field, String value) {
        if (!NAME.matcher(value).matches()) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID, field, "expected a letter and up to 31 characters of a-z0-9-");
        }
        return value;
    }

    /** Refuses what cannot be a range of members' ports. */
    static void checkPorts(int first, int last) {
        if (first < 1024 || last > 65_535 || last < first) {
            throw new InvalidSpecException("ports", first + " to " + last + "; expected a range within 1024 to 65535");
        }
    }

    /** Starts what runs. */
    abstract H open(DeliveryContext context, Ticker ticker);

    @Override
    public synchronized void start(DeliveryContext context) {
        if (running != null) {
            throw Failures.of(ErrorCode.ILLEGAL_STATE, "the delivery " + id() + " was already started");
        }
        running = open(context, Ticker.SYSTEM);
    }

    /** Returns what runs; {@code PROVIDER_UNAVAILABLE} before the start and after the end. */
    H running() {
        H started = running;
        if (started == null) {
            throw Failures.of(ErrorCode.PROVIDER_UNAVAILABLE, "the delivery " + id() + " is not started");
        }
        return started;
    }

    @Override
    public Set<Capability> capabilities() {
        return running().capabilities();
    }

    @Override
    public PlaceCapacity capacity() {
        return running().capacity();
    }

    @Override
    public List<SoftwareOffer> software() {
        return running().software();
    }

    @Override
    public ExecResult runTool(Software software, Command command) {
        return running().runTool(software, command);
    }

    @Override
    public List<MemberRef> members() {
        return running().members();
    }

    @Override
    public ObservedMember observe(MemberRef ref) {
        return running().observe(ref);
    }

    @Override
    public List<ObservedMember> observeAll(Collection<MemberRef> refs) {
        return running().observeAll(refs);
    }

    @Override
    public ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        if (workload.ephemeral() && !capabilities().contains(Capability.EPHEMERAL)) {
            throw Failures.of(
                    ErrorCode.UNSUPPORTED,
                    "the place " + id() + " has no ephemeral members; it offers " + capabilities());
        }
        if (!workload.softwareDirectories().isEmpty()) {
            throw Failures.of(
                    ErrorCode.UNSUPPORTED,
                    "a host shares one copy of the software between members and cannot show "
                            + workload.softwareDirectories().keySet() + " inside it");
        }
        return running().prepare(workload, epoch);
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        if (!workload.filled().contains(directory)) {
            throw new InvalidSpecException("directory", directory + "; expected one of " + workload.filled());
        }
        return running().fill(workload, directory, tar, epoch);
    }

    @Override
    public Optional<ObservedMember> fillAlike(MemberWorkload workload, MemberRef other, Epoch epoch) {
        return running().fillAlike(workload, other, epoch);
    }

    @Override
    public ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        return running().start(workload, epoch, timeout);
    }

    @Override
    public ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        return running().stop(workload, epoch, mode);
    }

    @Override
    public void fence(MemberRef ref, Epoch epoch) {
        running().fence(ref, epoch);
    }

    @Override
    public ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        return running().exec(workload, command, epoch);
    }

    @Override
    public void resize(MemberRef ref, Resources resources, Epoch epoch) {
        running().resize(ref, resources, epoch);
    }

    @Override
    public void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        running().growVolume(ref, directory, size, epoch);
    }

    @Override
    public List<String> logs(MemberRef ref, int lines) {
        if (lines < 1 || lines > MOST_LINES) {
            throw new InvalidSpecException("lines", lines + "; expected 1 to " + MOST_LINES);
        }
        return running().logs(ref, lines);
    }

    @Override
    public MemberMetrics metrics(MemberRef ref) {
        return running().metrics(ref);
    }

    @Override
    public void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        running().destroy(ref, epoch, mode);
    }

    @Override
    public void giveUp(MemberRef ref, Epoch epoch) {
        running().giveUp(ref, epoch);
    }

    @Override
    public void refresh() {
        running().refresh();
    }

    @Override
    public synchronized void close() {
        H started = running;
        running = null;
        if (started != null) {
            started.close();
        }
    }
}
