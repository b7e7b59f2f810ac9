package dev.tenon.testkit.fault;

import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Puts an {@link Interceptor} around drivers, sessions and stores. */
public final class Intercepted {
    private static final Set<String> DELIVERY_VERBS = Set.of(
            "prepare",
            "fill",
            "fillAlike",
            "start",
            "stop",
            "fence",
            "exec",
            "resize",
            "growVolume",
            "destroy",
            "giveUp");
    private static final Set<String> SESSION_VERBS = Set.of(
            "handOver",
            "putAccount",
            "password",
            "grant",
            "dropAccount",
            "createDatabase",
            "dropDatabase",
            "terminate",
            "terminateAll",
            "admitStandbys",
            "disconnectStandbys",
            "promote");
    /** How much of a copy is read between two boundaries. */
    private static final int PART = 8 << 20;

    private Intercepted() {}

    /** Wraps a delivery. */
    public static DeliveryDriver delivery(DeliveryDriver driver, Interceptor interceptor) {
        // start(DeliveryContext) shares its name with start(MemberWorkload, …), but is a matter of the driver alone.
        return wrap(DeliveryDriver.class, driver, Call.Target.DELIVERY, DELIVERY_VERBS, interceptor);
    }

    /** Wraps an engine and every session it opens. */
    public static EngineDriver engine(EngineDriver driver, Interceptor interceptor) {
        return wrap(EngineDriver.class, driver, Call.Target.ENGINE, Set.of(), interceptor);
    }

    /** Wraps a store. */
    public static StateStore store(StateStore store, Interceptor interceptor) {
        return wrap(StateStore.class, store, Call.Target.STORE, Set.of("commit"), interceptor);
    }

    private static <T> T wrap(
            Class<T> type, T inner, Call.Target target, Set<String> changing, Interceptor interceptor) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, given) -> {
                    Object[] args = given == null ? new Object[0] : given;
                    if (method.getDeclaringClass() == Object.class) {
                        return switch (method.getName()) {
                            case "equals" -> proxy == args[0];
                            case "hashCode" -> System.identityHashCode(proxy);
                            default -> "Intercepted " + inner;
                        };
                    }
                    boolean changes = (changing.contains(method.getName()) && args.length > 0)
                            || method.getName().equals("terminateAll");
                    String subject = args.length == 0 ? "" : subject(args[0]);
                    boolean matterOfItsOwn =
                            target == Call.Target.DELIVERY && method.getName().equals("start") && args.length == 1;
                    int size = args.length > 0 && args[0] instanceof Collection<?> many ? many.size() : 1;
                    Call call = new Call(target, method.getName(), subject, changes && !matterOfItsOwn, size);
                    interceptor.before(call);
                    Object answer = invoke(method, inner, args);
                    interceptor.after(call);
                    if (answer instanceof InputStream data) {
                        return new InterceptedCopy(data, new Call(target, "read", subject, true, 1), interceptor);
                    }
                    return answer instanceof EngineSession session
                            ? wrap(EngineSession.class, session, Call.Target.SESSION, SESSION_VERBS, interceptor)
                            : answer;
                }));
    }

    /** A copy that may break off in the middle. */
    private static final class InterceptedCopy extends FilterInputStream {
        private final Call call;
        private final Interceptor interceptor;
        private long read;

        InterceptedCopy(InputStream data, Call call, Interceptor interceptor) {
            super(data);
            this.call = call;
            this.interceptor = interceptor;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int count = super.read(into, offset, length);
            long parts = read / PART;
            read += Math.max(0, count);
            if (read / PART > parts) {
                interceptor.after(call);
            }
            return count;
        }
    }

    private static @Nullable Object invoke(java.lang.reflect.Method method, Object inner, Object[] args)
            throws Throwable {
        try {
            return method.invoke(inner, args);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    private static String subject(@Nullable Object argument) {
        if (argument instanceof MemberRef ref) {
            return ref.toString();
        } else if (argument instanceof MemberWorkload workload) {
            return workload.ref().toString();
        } else if (argument instanceof EngineRequest request) {
            return request.instance().toString();
        } else if (argument instanceof Commit commit) {
            return Stream.of(
                            commit.puts().stream().map(p -> "put " + p.kind() + " " + p.state()),
                            commit.deletes().stream().map(d -> "delete " + d.kind()),
                            commit.claims().stream().map(c -> "claim " + c.scope()),
                            commit.events().stream().map(e -> "event " + e.type()))
                    .flatMap(s -> s)
                    .collect(Collectors.joining(", "));
        } else if (argument instanceof Lease lease) {
            return lease.name();
        }
        return argument instanceof String text ? text : "";
    }
}
