package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.Tenon;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * One cluster under faults drawn from a seed, with sessions open to each of its members that write without end. After each fault
 * nothing acknowledged is missing anywhere, no two members acknowledged at the same time, and the cluster is whole again by itself.
 *
 * <p>{@code -Dtenon.campaign.seeds=…} runs so many seeds instead of one, {@code -Dtenon.campaign.faults=…} so many faults each,
 * {@code -Dtenon.campaign.kinds=…} only some of them, {@code -Dtenon.seed=…} begins with that one.
 *
 * @param <F> what can go wrong
 */
public abstract class Campaign<F extends Enum<F>> implements AutoCloseable {
    /** The control plane, as the end of a link. */
    protected static final String PLANE = Links.PLANE;

    private static final LongSupplier NANOS = System::nanoTime;
    /** Longer than the quiet time after an automatic fail-over. */
    private static final Duration LATER = Duration.ofMinutes(11);

    protected final SplittableRandom random;
    private final long seed;
    private final List<F> kinds;
    private final Duration patience;
    private volatile Duration later = Duration.ZERO;
    private Tenon tenon;
    private Instance orders;
    private NodeWriters writers;

    /** @param patience how long it may take until the cluster is whole again */
    protected Campaign(Class<F> faults, long seed, Duration patience) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.patience = patience;
        this.kinds = Optional.ofNullable(System.getProperty("tenon.campaign.kinds"))
                .map(names -> Stream.of(names.split(","))
                        .map(name -> Enum.valueOf(faults, name))
                        .toList())
                .orElse(List.of(faults.getEnumConstants()));
    }

    /** Returns the seeds to run. */
    public static LongStream seeds() {
        long first = Long.getLong("tenon.seed", new SplittableRandom().nextLong() >>> 1);
        return LongStream.range(first, first + Integer.getInteger("tenon.campaign.seeds", 1));
    }

    /** Opens a control plane, the first one or the next. */
    protected abstract Tenon open() throws Exception;

    /** Returns where the members are, past all faults. */
    protected abstract DeliveryDriver place();

    /** Returns where clients find a member. */
    protected abstract String address(Member member);

    /** Lets something go wrong, for so long. */
    protected abstract void begin(F fault, long millis) throws Exception;

    /** Takes back whatever is still wrong. */
    protected abstract void heal() throws Exception;

    /** Lets nothing through any more from one end of a link to the other; the ends are members and {@link #PLANE}. */
    protected abstract void cut(String from, String to);

    /** Lets everything through again. */
    protected abstract void connect();

    /**
     * Makes a cluster as the seed says, and one fault after the other.
     *
     * @param usual how many faults, if nobody says otherwise
     */
    public final void run(int usual, Consumer<InstanceSpec.Builder> more) throws Exception {
        int standbys = 1 + random.nextInt(2);
        Durability durability = random.nextInt(3) == 0 ? Durability.BALANCED : Durability.STRICT;
        System.out.println("seed " + seed + ": " + standbys + " standbys, " + durability);
        start(standbys, durability, more);
        for (int left = Integer.getInteger("tenon.campaign.faults", usual); left > 0; left--) {
            next();
        }
    }

    /** Makes the cluster, and begins to write. */
    final void start(int standbys, Durability durability, Consumer<InstanceSpec.Builder> more) throws Exception {
        tenon = open();
        orders = tenon.tenants()
                .create(t -> t.name("shop"))
                .instances()
                .create(i -> {
                    i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .size(0.4, DataSize.mib(256), DataSize.mib(256))
                            .topology(t -> t.standbys(standbys).durability(durability));
                    more.accept(i);
                })
                .await(patience);
        try (Connection c = orders.dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
        }
        writers = new NodeWriters(NodeWriters.Target.of(orders, place(), this::address));
        writers.awaitMore(20);
    }

    /** One fault, or a second one in the middle of the answer to the first, and the checks. */
    private void next() throws Exception {
        F fault = draw();
        double share = random.nextDouble();
        long millis = 100 + (long) (share * share * share * 14_000);
        long begin = NANOS.getAsLong();
        String led = primary();
        String what = fault + " for " + millis + " ms";
        if (random.nextInt(3) == 0) {
            F first = draw();
            long apart = random.nextInt(1_500);
            what = first + ", after " + apart + " ms " + what;
            System.out.println("  " + led + " leads: " + what);
            begin(first, apart);
        } else {
            System.out.println("  " + led + " leads: " + what);
        }
        begin(fault, millis);
        heal();
        long end = NANOS.getAsLong();
        awaitWhole();
        System.out.println("    whole after " + (NANOS.getAsLong() - end) / 1_000_000 + " ms of "
                + (NANOS.getAsLong() - begin) / 1_000_000 + ", " + primary() + " leads, " + writers.count()
                + " rows, longest pause " + writers.longestPause(begin).toMillis() + " ms");
        writers.awaitMore(20);
        if (random.nextInt(4) > 0) {
            later = later.plus(LATER);
        }
    }

    private F draw() {
        return kinds.get(random.nextInt(kinds.size()));
    }

    /** Closes the control plane and opens another one. */
    protected final void restartPlane() throws Exception {
        tenon.close();
        tenon = open();
        orders = tenon.tenants().find("shop").orElseThrow().instances().get(orders.id());
    }

    /** Returns a store whose clock can be put forward. */
    protected final StateStore later(StateStore store) {
        return StateStore.class.cast(Proxy.newProxyInstance(
                StateStore.class.getClassLoader(), new Class<?>[] {StateStore.class}, (p, method, args) -> {
                    Object answer = invoke(store, method, args);
                    return answer instanceof Instant now ? now.plus(later) : answer;
                }));
    }

    static Object invoke(Object inner, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(inner, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    // ---- links

    /** Cuts one way of a link, the other, or both. */
    protected final void cutSomehow(String a, String b) {
        int way = random.nextInt(3);
        if (way != 1) {
            cut(a, b);
        }
        if (way != 0) {
            cut(b, a);
        }
    }

    /** Cuts any link. */
    protected final void cutAny() {
        List<String> ends = ends();
        cutSomehow(ends.get(0), ends.get(1));
    }

    /** Cuts a link and mends it, again and again. */
    protected final void flap(long millis) throws InterruptedException {
        List<String> ends = ends();
        for (long left = millis; left > 0; left -= 500) {
            cutSomehow(ends.get(0), ends.get(1));
            pause(random.nextInt(400));
            connect();
            pause(random.nextInt(100));
        }
    }

    private List<String> ends() {
        List<String> all = new ArrayList<>(members());
        all.add(PLANE);
        String one = all.remove(random.nextInt(all.size()));
        return List.of(one, all.get(random.nextInt(all.size())));
    }

    // ---- looking

    protected final MemberRef ref(String member) {
        return new MemberRef(orders.tenant(), orders.id(), member);
    }

    protected final Member member(String name) {
        return orders.view().members().stream()
                .filter(member -> member.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    protected final String primary() {
        return members().get(0);
    }

    protected final String standby() {
        List<String> members = members();
        return members.get(1 + random.nextInt(members.size() - 1));
    }

    protected final List<String> members() {
        return orders.view().members().stream().map(Member::name).toList();
    }

    final List<Event> events() {
        return orders.events().after(0, 1_000);
    }

    final void stopWriting() {
        writers.close();
    }

    /** Healthy is what is recorded; that every member has everything is what counts. */
    final void awaitWhole() throws Exception {
        long end = NANOS.getAsLong() + patience.toNanos();
        try {
            while (!whole(orders.view())) {
                assertThat(NANOS.getAsLong())
                        .as("whole again: " + orders.view() + " " + orders.explain())
                        .isLessThan(end);
                pause(20);
            }
            writers.awaitNothingLost(patience);
            writers.assertNoOverlap();
        } catch (AssertionError | SQLException e) {
            System.out.println();
            events().forEach(event -> System.out.println(
                    "    " + event.at() + " " + event.type() + ": " + event.message() + " " + event.attributes()));
            throw e;
        }
    }

    private static boolean whole(InstanceView view) {
        return view.health() instanceof Health.Healthy
                && view.members().stream().skip(1).allMatch(m -> m.replication()
                        .map(follows -> follows.state().equals("streaming"))
                        .orElse(false));
    }

    protected static void pause(long millis) throws InterruptedException {
        assertThat(new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS)).isFalse();
    }

    @Override
    public void close() throws Exception {
        heal();
        if (writers != null) {
            writers.close();
            orders.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(patience);
        }
        if (tenon != null) {
            tenon.close();
        }
    }
}
