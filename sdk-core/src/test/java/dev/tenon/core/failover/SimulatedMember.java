package dev.tenon.core.failover;

import dev.tenon.core.failover.Scenario.Break;
import dev.tenon.core.failover.Seen.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One PostgreSQL server and the agent beside it, as far as the protocol depends on them: its log, what of it is on disk, timelines,
 * and synchronous commit with a configuration that each process takes over when it gets to it.
 *
 * <p>As in PostgreSQL, whether commits wait at all is a flag that the checkpointer sets; each sender decides with the setting it
 * knows, but counts every sender that believes itself synchronous; and connections are checked by the numbers of timelines alone.
 */
final class SimulatedMember {
    /** A timeline and the position at which it began. */
    private record Fork(int timeline, int begin) {}

    private record Waiter(int entry, int position, boolean probe) {}

    /** The primary's side of a connection. */
    private static final class Sender {
        final int connection;
        Quorum setting;
        long order;
        int sent;
        int flushed = -1;
        long heard;
        long nextDelivery;

        Sender(int connection, Quorum setting, long order, int sent, long heard) {
            this.connection = connection;
            this.setting = setting;
            this.order = order;
            this.sent = sent;
            this.heard = heard;
        }
    }

    private final Simulation sim;
    final int number;
    final String name;

    // On disk.
    private int[] log = new int[64];
    private int flushed;
    private List<Fork> history = new ArrayList<>(List.of(new Fork(1, 0)));
    private boolean primary;
    private boolean empty;
    private long order;
    private Order told = new Order.Detach();
    private Quorum file = Quorum.ALONE;
    private long fileOrder;
    private long base;
    private Optional<String> follows = Optional.empty();
    private boolean cleanly;

    // In memory.
    private boolean hostUp = true;
    private boolean off;
    private boolean up;
    private boolean starting;
    private boolean remaking;
    private boolean stopping;
    private boolean promoting;
    long pausedUntil;
    private int life;
    private int length;
    private Quorum loaded = Quorum.ALONE;
    private long loadedOrder;
    private Quorum checkpointer = Quorum.ALONE;
    private long checkpointerOrder;
    private final Map<Integer, Sender> senders = new TreeMap<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private int released;
    private boolean probing;
    private long proved;
    private int connection = -1;
    private boolean receiverEnds;
    private long heard;
    private boolean diverged;
    private long slowReloadUntil;

    SimulatedMember(Simulation sim, int number, boolean primary) {
        this.sim = sim;
        this.number = number;
        this.name = String.valueOf((char) ('a' + number));
        this.primary = primary;
        this.empty = !primary;
        this.up = primary;
        if (primary) {
            told = new Order.Lead(Quorum.ALONE);
        }
    }

    // ---- what the simulation asks ----

    boolean has(int position, int entry) {
        return position < length && log[position] == entry;
    }

    boolean hasOnDisk(int position, int entry) {
        return position < flushed && log[position] == entry;
    }

    int position() {
        return flushed;
    }

    boolean takesWrites() {
        return up && primary && !stopping;
    }

    boolean runs() {
        return up;
    }

    /** Whether it takes writes, or will once it starts again by itself. */
    boolean mayStillLead() {
        return primary && !empty && (up || starting || told instanceof Order.Lead);
    }

    Optional<String> follows() {
        return primary ? Optional.empty() : follows;
    }

    boolean streamsFrom(SimulatedMember leader) {
        Sender sender = leader.senders.get(number);
        return up && !primary && sender != null && sender.connection == connection;
    }

    /** Returns every setting that one of the server's processes acts by, or will after a restart. */
    List<Quorum> settings() {
        List<Quorum> all = new ArrayList<>(List.of(file));
        if (up) {
            all.add(loaded);
            all.add(checkpointer);
            senders.values().forEach(s -> all.add(s.setting));
        }
        return all;
    }

    boolean sameUpTo(SimulatedMember other, int end) {
        return end <= length && end <= other.length && Arrays.equals(log, 0, end, other.log, 0, end);
    }

    // ---- faults ----

    void kill() {
        if (up || starting) {
            sim.note(name + " dies");
            halt();
            sim.in(this, 200 + sim.random(2500), this::restart);
        }
    }

    void hostDown(long millis) {
        if (hostUp) {
            sim.note("host of " + name + " down for " + millis + " ms");
            halt();
            hostUp = false;
            sim.at(sim.now() + millis, () -> hostUp(sim.now()));
        }
    }

    void hostUp(long now) {
        if (!hostUp) {
            hostUp = true;
            off = false;
            sim.note("host of " + name + " up");
            sim.in(this, 50, this::restart);
        }
    }

    void slowReload(long millis) {
        slowReloadUntil = sim.now() + millis;
    }

    void cancelWaits() {
        waiters.removeIf(w -> !w.probe());
    }

    void destroy() {
        halt();
        primary = false;
        wipe();
    }

    private void wipe() {
        empty = true;
        length = 0;
        flushed = 0;
        history = new ArrayList<>(List.of(new Fork(1, 0)));
    }

    /** Everything that was only in memory is gone. */
    private void halt() {
        life++;
        up = false;
        starting = false;
        if (remaking) {
            remaking = false;
            wipe();
        }
        stopping = false;
        promoting = false;
        probing = false;
        senders.clear();
        waiters.clear();
        released = 0;
        length = flushed;
        trimHistory();
        connection = -1;
        receiverEnds = false;
    }

    private void trimHistory() {
        history.removeIf(f -> f.begin() > length);
    }

    private void restart() {
        boolean wanted = told instanceof Order.Lead && primary
                || told instanceof Order.Follow
                || told instanceof Order.Detach
                || told instanceof Order.Remake remake
                        && base >= remake.rebuild().since();
        if (wanted) {
            start();
        }
    }

    private void start() {
        if (up || starting || empty || !hostUp || remaking) {
            return;
        }
        starting = true;
        int now = life;
        sim.in(this, 20 + sim.random(200), () -> {
            if (life == now && starting) {
                starting = false;
                up = true;
                cleanly = false;
                loaded = file;
                checkpointer = file;
                loadedOrder = fileOrder;
                checkpointerOrder = fileOrder;
                heard = sim.now();
                sim.note(name + " runs as "
                        + (primary ? "primary with " + file : "standby of " + follows.orElse("nobody")));
                if (!primary) {
                    connect();
                }
                goOn();
            }
        });
    }

    // ---- orders ----

    void accept(long revision, Order what) {
        if (!hostUp) {
            if (sim.placePowers() && what instanceof Order.Rest && revision >= order) {
                order = revision;
                told = what;
                off = true;
            }
            return;
        }
        if (revision < order && !sim.broken(Break.ACCEPT_OLD_ORDERS)) {
            return;
        }
        if (revision > order || !what.equals(told)) {
            sim.note(name + " accepts " + revision + " " + what);
        }
        order = revision;
        told = what;
        if (what instanceof Order.Remake remake) {
            if (base >= remake.rebuild().since() && !empty) {
                follow(remake.primary());
            } else {
                remake(remake);
            }
            return;
        }
        if (remaking) {
            halt();
        }
        if (what instanceof Order.Lead lead) {
            lead(lead.setting());
        } else if (what instanceof Order.Follow follow) {
            follow(follow.primary());
        } else if (what instanceof Order.Detach) {
            follows = Optional.empty();
            if (!primary) {
                disconnect();
                start();
            }
        } else if (what instanceof Order.Rest rest) {
            rest(rest.cleanly());
        }
    }

    private void lead(Quorum setting) {
        if (empty) {
            return;
        }
        follows = Optional.empty();
        if (!setting.equals(file) || fileOrder != order) {
            file = setting;
            fileOrder = order;
            reload();
        }
        if (!up) {
            if (primary || starting || told instanceof Order.Lead) {
                start();
            }
            return;
        }
        goOn();
    }

    private void follow(String leader) {
        if (empty || primary && up) {
            return;
        }
        primary = false;
        if (!follows.equals(Optional.of(leader))) {
            follows = Optional.of(leader);
            diverged = false;
            disconnect();
        }
        if (up) {
            connect();
        } else {
            start();
        }
    }

    private void rest(boolean clean) {
        follows = Optional.empty();
        if (!up && !starting || stopping || sim.broken(Break.SKIP_FENCING)) {
            return;
        }
        if (!clean || !primary || !up) {
            sim.note(name + " is stopped");
            halt();
            return;
        }
        stopping = true;
        waiters.clear();
        finishStop(sim.now() + 1000, life);
    }

    private void finishStop(long deadline, int mine) {
        if (life != mine) {
            return;
        }
        boolean all = flushed == length && senders.values().stream().allMatch(s -> s.flushed >= length);
        if (all || sim.now() > deadline) {
            sim.note(name + " stopped" + (all ? " cleanly" : ""));
            halt();
            cleanly = all;
        } else {
            sim.in(this, 5, () -> finishStop(deadline, mine));
        }
    }

    private void remake(Order.Remake remake) {
        if (remaking || !hostUp) {
            return;
        }
        SimulatedMember source = sim.member(remake.primary());
        if (sim.broken(Break.CLONE_FROM_STANDBY)) {
            source = sim.anyStandby(this).orElse(source);
        }
        boolean rewind = remake.rebuild().how() == Rebuild.How.REWIND && !empty;
        halt();
        if (rewind && sim.broken(Break.SKIP_REWIND)) {
            base = order;
            primary = false;
            follows = Optional.of(remake.primary());
            start();
            return;
        }
        if (!sim.linked(this, source) || !source.up || (!source.primary && source.name.equals(remake.primary()))) {
            return;
        }
        remaking = true;
        int mine = ++life;
        primary = false;
        // What is copied is, at worst, what there was when the copy began.
        int keep = rewind ? commonWith(source) : 0;
        int end = source.flushed;
        int[] copy = Arrays.copyOf(source.log, Math.max(64, end));
        System.arraycopy(log, 0, copy, 0, Math.min(keep, end));
        List<Fork> itsHistory = new ArrayList<>(source.history);
        itsHistory.removeIf(f -> f.begin() > end);
        empty = true;
        long made = order;
        SimulatedMember from = source;
        sim.in(this, 100 + sim.random(1200), () -> {
            if (life == mine && remaking) {
                remaking = false;
                if (!sim.linked(this, from)) {
                    wipe();
                    return;
                }
                empty = false;
                log = copy;
                length = end;
                flushed = end;
                history = itsHistory;
                base = made;
                diverged = false;
                follows = Optional.of(remake.primary());
                sim.note(name + " has new data up to " + end + (rewind ? ", rewound" : ", cloned"));
                start();
            }
        });
    }

    /** As the rewind tool finds it: by the numbers and beginnings of timelines. */
    private int commonWith(SimulatedMember other) {
        int i = 0;
        while (i < history.size() && i < other.history.size() && history.get(i).equals(other.history.get(i))) {
            i++;
        }
        int mine = i < history.size() ? history.get(i).begin() : length;
        int its = i < other.history.size() ? other.history.get(i).begin() : other.flushed;
        return Math.min(mine, its);
    }

    // ---- settings ----

    private long reloadDelay() {
        return 1 + sim.random(sim.now() < slowReloadUntil ? 2500 : 60);
    }

    private void reload() {
        if (!up) {
            return;
        }
        int mine = life;
        Quorum setting = file;
        long itsOrder = fileOrder;
        sim.in(this, 1 + sim.random(20), () -> {
            if (life != mine || loadedOrder > itsOrder) {
                return;
            }
            loaded = setting;
            loadedOrder = itsOrder;
            sim.in(this, reloadDelay(), () -> {
                if (life == mine && checkpointerOrder <= itsOrder) {
                    checkpointer = setting;
                    checkpointerOrder = itsOrder;
                    sim.settingChanged(this);
                    if (setting.alone()) {
                        release(flushed);
                    }
                    goOn();
                }
            });
            senders.values()
                    .forEach(sender -> sim.in(this, reloadDelay(), () -> {
                        if (life == mine && sender.order <= itsOrder) {
                            sender.setting = setting;
                            sender.order = itsOrder;
                            sim.settingChanged(this);
                            goOn();
                        }
                    }));
        });
    }

    private long inForce() {
        boolean configured = loadedOrder == fileOrder;
        boolean everywhere =
                checkpointerOrder == fileOrder && senders.values().stream().allMatch(s -> s.order == fileOrder);
        return up && configured && (everywhere || sim.broken(Break.IN_FORCE_BY_CONFIGURATION)) ? fileOrder : 0;
    }

    /** Promotes once the setting is in force; proves a setting by a write once that is. */
    private void goOn() {
        if (!up || !(told instanceof Order.Lead) || stopping) {
            return;
        }
        if (!primary) {
            if (!promoting && (inForce() == order || sim.broken(Break.PROMOTE_BEFORE_SETTING))) {
                promoting = true;
                disconnect();
                int mine = life;
                sim.in(this, 10 + sim.random(60), () -> {
                    promoting = false;
                    if (life == mine && told instanceof Order.Lead && !primary) {
                        promote();
                    }
                });
            }
        } else if (inForce() == order && proved < order && !probing) {
            probing = true;
            insert(sim.newEntry(), true);
        }
    }

    private void promote() {
        connection = -1;
        receiverEnds = false;
        flushed = length;
        primary = true;
        int timeline = history.get(history.size() - 1).timeline() + 1;
        history.add(new Fork(timeline, length));
        sim.note(name + " is promoted at " + length + " on timeline " + timeline + " with " + file);
        sim.settingChanged(this);
        sim.promoted(this);
        goOn();
    }

    // ---- commits ----

    void insert(int entry, boolean probe) {
        if (!takesWrites()) {
            return;
        }
        if (length == log.length) {
            log = Arrays.copyOf(log, 2 * length);
        }
        log[length++] = entry;
        int end = length;
        int mine = life;
        sim.in(this, 1 + sim.random(4), () -> {
            if (life != mine) {
                return;
            }
            flushed = Math.max(flushed, end);
            send();
            if (!up || stopping && !probe) {
                return;
            }
            Waiter waiter = new Waiter(entry, end, probe);
            if (checkpointer.alone() || released >= end) {
                acknowledge(waiter);
            } else {
                waiters.add(waiter);
            }
        });
    }

    private void acknowledge(Waiter waiter) {
        if (waiter.probe()) {
            probing = false;
            if (inForce() == order) {
                proved = order;
            }
            goOn();
        } else {
            sim.acknowledged(this, waiter.entry(), waiter.position() - 1);
        }
    }

    private void release(int upTo) {
        List<Waiter> done = waiters.stream().filter(w -> w.position() <= upTo).toList();
        waiters.removeAll(done);
        done.forEach(this::acknowledge);
    }

    /** A sender heard how far its standby has flushed. */
    private void replied(int standby, int itsConnection, int position) {
        Sender sender = senders.get(standby);
        if (!up || sender == null || sender.connection != itsConnection) {
            return;
        }
        sender.heard = sim.now();
        sender.flushed = Math.max(sender.flushed, position);
        if (!synchronous(standby, sender)) {
            return;
        }
        int[] positions = senders.entrySet().stream()
                .filter(e -> synchronous(e.getKey(), e.getValue()) && e.getValue().flushed >= 0)
                .mapToInt(e -> e.getValue().flushed)
                .sorted()
                .toArray();
        int needed = sender.setting.needed();
        if (positions.length >= needed) {
            released = Math.max(released, positions[positions.length - needed]);
            release(released);
        }
    }

    private boolean synchronous(int standby, Sender sender) {
        return sender.setting.members().contains(sim.member(standby).name);
    }

    // ---- streaming ----

    /** Sends what is new, or a sign of life, to every standby; to be called regularly. */
    void send() {
        if (!up || !primary) {
            return;
        }
        senders.values().removeIf(s -> sim.now() - s.heard > 2500);
        for (Map.Entry<Integer, Sender> entry : senders.entrySet()) {
            Sender sender = entry.getValue();
            int from = sender.sent;
            int to = Math.min(flushed, from + 40);
            int[] data = Arrays.copyOfRange(log, from, to);
            sender.sent = to;
            List<Fork> itsHistory = List.copyOf(history);
            SimulatedMember standby = sim.member(entry.getKey());
            sender.nextDelivery = Math.max(sim.now() + 1 + sim.delay(), sender.nextDelivery);
            deliver(standby, sender, from, data, itsHistory);
        }
    }

    /** A stream neither loses nor reorders; while a link is cut its data waits, until one side gives up. */
    private void deliver(SimulatedMember standby, Sender sender, int from, int[] data, List<Fork> itsHistory) {
        int itsConnection = sender.connection;
        sim.at(sender.nextDelivery, () -> {
            if (sim.linked(this, standby)) {
                sim.in(standby, 0, () -> standby.receive(this, itsConnection, from, data, itsHistory));
            } else if (senders.get(standby.number) == sender) {
                sender.nextDelivery = Math.max(sender.nextDelivery, sim.now() + 100);
                deliver(standby, sender, from, data, itsHistory);
            }
        });
    }

    private void receive(SimulatedMember leader, int itsConnection, int from, int[] data, List<Fork> itsHistory) {
        if (!up || connection != itsConnection) {
            return;
        }
        heard = sim.now();
        if (from != length) {
            return;
        }
        int end = from + data.length;
        if (end > log.length) {
            log = Arrays.copyOf(log, Math.max(end, 2 * log.length));
        }
        System.arraycopy(data, 0, log, from, data.length);
        length = end;
        history = new ArrayList<>(itsHistory);
        trimHistory();
        int mine = life;
        sim.in(this, 1 + sim.random(5), () -> {
            if (life != mine) {
                return;
            }
            flushed = Math.max(flushed, Math.min(end, length));
            if (connection == itsConnection) {
                int position = flushed;
                sim.message(this, leader, () -> leader.replied(number, itsConnection, position));
            }
        });
    }

    /** Tries to connect; to be called regularly. */
    void connect() {
        if (up && !primary && connection >= 0 && sim.now() - heard > 1500) {
            connection = -1;
        }
        if (!up || primary || promoting || follows.isEmpty() || connection >= 0 || receiverEnds) {
            return;
        }
        SimulatedMember leader = sim.member(follows.get());
        int id = sim.newConnection();
        int timeline = history.get(history.size() - 1).timeline();
        int start = length;
        int mine = life;
        sim.message(this, leader, () -> leader.accept(this, id, timeline, start, mine));
    }

    private void accept(SimulatedMember standby, int id, int timeline, int start, int itsLife) {
        if (!up || !primary) {
            return;
        }
        int end = -1;
        for (int i = 0; i < history.size(); i++) {
            if (history.get(i).timeline() == timeline) {
                end = i + 1 < history.size() ? history.get(i + 1).begin() : flushed;
            }
        }
        if (end < 0 || start > end) {
            sim.message(this, standby, () -> standby.refused(this, itsLife));
            return;
        }
        senders.put(standby.number, new Sender(id, loaded, loadedOrder, start, sim.now()));
        sim.settingChanged(this);
        sim.message(this, standby, () -> standby.connected(this, id, start, itsLife));
    }

    private void refused(SimulatedMember leader, int itsLife) {
        if (life == itsLife && follows.equals(Optional.of(leader.name))) {
            diverged = true;
        }
    }

    private void connected(SimulatedMember leader, int id, int start, int itsLife) {
        if (life == itsLife
                && up
                && !primary
                && !promoting
                && connection < 0
                && !receiverEnds
                && start == length
                && follows.equals(Optional.of(leader.name))) {
            connection = id;
            heard = sim.now();
            diverged = false;
            sim.attached(this, leader, start);
        }
    }

    /** Ends the receiver, which takes a moment in which data still comes in. */
    private void disconnect() {
        if (connection < 0 || receiverEnds) {
            return;
        }
        receiverEnds = true;
        int mine = life;
        sim.in(this, 1 + sim.random(sim.broken(Break.CONFIRM_BEFORE_END) ? 500 : 80), () -> {
            if (life == mine) {
                connection = -1;
                receiverEnds = false;
                flushed = length;
                connect();
            }
        });
    }

    // ---- observation ----

    /** Returns what the member, or its place, answers; nothing if nobody can. */
    Optional<Seen.Member> observe() {
        if (!hostUp) {
            return sim.placeProves()
                    ? Optional.of(new Seen.Member(
                            false,
                            true,
                            order,
                            off ? State.OFF : State.UNKNOWN,
                            false,
                            0,
                            0,
                            Optional.empty(),
                            false,
                            0,
                            0,
                            0,
                            Duration.ZERO,
                            Duration.ZERO))
                    : Optional.empty();
        }
        State state = empty ? State.EMPTY : !up ? State.STOPPED : primary ? State.PRIMARY : State.STANDBY;
        boolean receives = connection >= 0 && !(receiverEnds && sim.broken(Break.CONFIRM_BEFORE_END));
        goOn();
        return Optional.of(new Seen.Member(
                true,
                !up && !starting && primary && !empty,
                order,
                state,
                cleanly && !up,
                history.get(history.size() - 1).timeline(),
                flushed,
                receives ? follows.or(() -> Optional.of("?")) : Optional.empty(),
                diverged,
                empty ? 0 : base,
                inForce(),
                proved,
                Duration.ofMillis(primary ? 0 : sim.now() - heard),
                Duration.ZERO));
    }
}
