package dev.tenon.server.metrics;

import dev.tenon.api.Event;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceView;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Subscription;
import dev.tenon.api.TenantView;
import dev.tenon.api.Tenon;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What this server counts. Written by hand rather than with a client library: the text format is a few lines, and no label here can
 * take a value that a caller chose. No tenant is named. Thread-safe.
 *
 * @see <a href="https://prometheus.io/docs/instrumenting/exposition_formats/">Prometheus: exposition formats</a>
 */
public final class Metrics implements AutoCloseable {
    private static final double[] BOUNDS = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
    private static final double[] OPERATION_BOUNDS = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900};
    private static final int MAX_EVENT_TYPES = 64;

    private record RequestKey(String method, String route, int status) {}

    private record OperationKey(OperationKind kind, OperationState state) {}

    private static final class Histogram {
        private final double[] bounds;
        private final LongAdder[] buckets;
        private final LongAdder nanos = new LongAdder();

        Histogram(double[] bounds) {
            this.bounds = bounds;
            this.buckets = new LongAdder[bounds.length + 1];
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        void add(long elapsed) {
            int i = 0;
            while (i < bounds.length && elapsed > bounds[i] * 1e9) {
                i++;
            }
            buckets[i].increment();
            nanos.add(elapsed);
        }

        void write(StringBuilder out, String name, String labels) {
            long sum = 0;
            for (int i = 0; i < bounds.length; i++) {
                sum += buckets[i].sum();
                sample(out, name + "_bucket", labels + ",le=\"" + bounds[i] + "\"", Long.toString(sum));
            }
            sum += buckets[bounds.length].sum();
            sample(out, name + "_bucket", labels + ",le=\"+Inf\"", Long.toString(sum));
            sample(out, name + "_sum", labels, Double.toString(nanos.sum() / 1e9));
            sample(out, name + "_count", labels, Long.toString(sum));
        }
    }

    private final Tenon tenon;
    private final Map<RequestKey, Histogram> requests = new ConcurrentHashMap<>();
    private final Map<OperationKey, Histogram> operations = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> events = new ConcurrentHashMap<>();
    private final Subscription subscription;

    /** Begins to count. */
    public Metrics(Tenon tenon) {
        this.tenon = tenon;
        long from = tenon.events().latest(1).stream()
                .mapToLong(Event::sequence)
                .findFirst()
                .orElse(0);
        this.subscription = tenon.events().subscribe(from, this::count);
    }

    private void count(Event event) {
        String known = events.containsKey(event.type()) || events.size() < MAX_EVENT_TYPES ? event.type() : "other";
        events.computeIfAbsent(known, t -> new LongAdder()).increment();
        Map<String, String> said = event.attributes();
        if (said.containsKey("millis") && said.containsKey("kind") && said.containsKey("state")) {
            operations
                    .computeIfAbsent(
                            new OperationKey(
                                    OperationKind.valueOf(said.get("kind")), OperationState.valueOf(said.get("state"))),
                            k -> new Histogram(OPERATION_BOUNDS))
                    .add(Long.parseLong(said.get("millis")) * 1_000_000);
        }
    }

    /**
     * Counts a request.
     *
     * @param route the route's own path, with its parameters' names, or a fixed word; never what the caller sent
     */
    public void request(String method, String route, int status, long nanos) {
        requests.computeIfAbsent(new RequestKey(method, route, status), k -> new Histogram(BOUNDS))
                .add(nanos);
    }

    /** Returns everything in Prometheus' text format. */
    public String text() {
        StringBuilder out = new StringBuilder(16_384);
        requests(out);
        operations(out);
        events(out);
        instances(out);
        jvm(out);
        return out.toString();
    }

    private void requests(StringBuilder out) {
        head(out, "tenon_http_request_duration_seconds", "histogram", "Requests by route and status.");
        requests.forEach((key, histogram) -> {
            String labels = "method=\"" + label(key.method()) + "\",route=\"" + label(key.route()) + "\",status=\""
                    + key.status() + "\"";
            histogram.write(out, "tenon_http_request_duration_seconds", labels);
        });
    }

    private void operations(StringBuilder out) {
        String name = "tenon_operation_duration_seconds";
        head(out, name, "histogram", "Operations that ended since this server began, from request to end.");
        operations.forEach((key, histogram) ->
                histogram.write(out, name, "kind=\"" + key.kind() + "\",state=\"" + key.state() + "\""));
    }

    private void events(StringBuilder out) {
        head(out, "tenon_events_total", "counter", "Events since this server began, by type.");
        new TreeMap<>(events)
                .forEach((type, n) ->
                        sample(out, "tenon_events_total", "type=\"" + label(type) + "\"", Long.toString(n.sum())));
    }

    private void instances(StringBuilder out) {
        Map<String, Long> lifecycles = new TreeMap<>();
        Map<String, Long> health = new TreeMap<>();
        long busy = 0;
        long tenants = 0;
        Optional<String> next = Optional.empty();
        do {
            Page<TenantView> page = tenon.tenants().list(new PageRequest(500, next));
            for (TenantView tenant : page.items()) {
                tenants++;
                busy += instances(tenant, lifecycles, health);
            }
            next = page.next();
        } while (next.isPresent());
        head(out, "tenon_tenants", "gauge", "Tenants.");
        sample(out, "tenon_tenants", "", Long.toString(tenants));
        head(out, "tenon_instances", "gauge", "Instances by lifecycle, without those in the recycle bin.");
        lifecycles.forEach(
                (state, n) -> sample(out, "tenon_instances", "lifecycle=\"" + label(state) + "\"", Long.toString(n)));
        head(out, "tenon_instances_health", "gauge", "Active instances by observed health.");
        health.forEach((state, n) ->
                sample(out, "tenon_instances_health", "health=\"" + label(state) + "\"", Long.toString(n)));
        head(out, "tenon_instances_busy", "gauge", "Instances with an unfinished operation.");
        sample(out, "tenon_instances_busy", "", Long.toString(busy));
    }

    private long instances(TenantView tenant, Map<String, Long> lifecycles, Map<String, Long> health) {
        long busy = 0;
        Optional<String> next = Optional.empty();
        do {
            Page<InstanceView> page = tenon.tenants()
                    .get(tenant.id())
                    .instances()
                    .list(InstanceFilter.none(), new PageRequest(500, next));
            for (InstanceView view : page.items()) {
                lifecycles.merge(view.lifecycle().name(), 1L, Long::sum);
                if (view.lifecycle().name().equals("Active")) {
                    health.merge(view.health().name(), 1L, Long::sum);
                }
                busy += view.operation().isPresent() ? 1 : 0;
            }
            next = page.next();
        } while (next.isPresent());
        return busy;
    }

    private static void jvm(StringBuilder out) {
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        head(out, "jvm_memory_used_bytes", "gauge", "Memory in use.");
        sample(out, "jvm_memory_used_bytes", "area=\"heap\"", Long.toString(heap.getUsed()));
        sample(
                out,
                "jvm_memory_used_bytes",
                "area=\"nonheap\"",
                Long.toString(ManagementFactory.getMemoryMXBean()
                        .getNonHeapMemoryUsage()
                        .getUsed()));
        head(out, "jvm_memory_max_bytes", "gauge", "Most memory it may use.");
        sample(out, "jvm_memory_max_bytes", "area=\"heap\"", Long.toString(heap.getMax()));
        head(out, "jvm_buffer_pool_used_bytes", "gauge", "Memory in buffers outside the heap.");
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            sample(
                    out,
                    "jvm_buffer_pool_used_bytes",
                    "pool=\"" + label(pool.getName()) + "\"",
                    Long.toString(pool.getMemoryUsed()));
        }
        head(out, "jvm_gc_collection_seconds_total", "counter", "Time in garbage collection.");
        for (GarbageCollectorMXBean gc : ManagementFactory.getGarbageCollectorMXBeans()) {
            sample(
                    out,
                    "jvm_gc_collection_seconds_total",
                    "gc=\"" + label(gc.getName()) + "\"",
                    Double.toString(gc.getCollectionTime() / 1e3));
        }
        head(out, "jvm_threads_current", "gauge", "Threads.");
        sample(
                out,
                "jvm_threads_current",
                "",
                Integer.toString(ManagementFactory.getThreadMXBean().getThreadCount()));
        head(out, "process_start_time_seconds", "gauge", "When the process began, in seconds of Unix time.");
        sample(
                out,
                "process_start_time_seconds",
                "",
                Double.toString(ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3));
    }

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void sample(StringBuilder out, String name, String labels, String value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ').append(value).append('\n');
    }

    private static String label(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    @Override
    public void close() {
        subscription.close();
    }
}
