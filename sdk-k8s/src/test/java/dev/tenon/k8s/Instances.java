package dev.tenon.k8s;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.engine.dm8.Dm8Engine;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.TlsMaterial;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.Directory.Purpose;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Members of real engines, and a cluster that exists only as a value. */
final class Instances {
    static final TenantId TENANT = new TenantId("t-aaaaaaaaaaaaaaaaaaaa");
    static final InstanceId INSTANCE = new InstanceId("i-ordersordersordersor");
    static final Software OTHER = new Software(new EngineId("other"), "1");
    static final Epoch EPOCH = new Epoch(7);

    private static final String DIGEST = "@sha256:" + "0123456789abcdef".repeat(4);

    static final KubernetesPlace PLACE = new KubernetesPlace(
            "tenant-a",
            Optional.of("fast"),
            Map.of(
                    new Software(EngineId.POSTGRESQL, "17"),
                    new SoftwareImage(
                            "registry.test/postgresql" + DIGEST, "/usr/lib/postgresql/17", "postgres", 999, 999),
                    new Software(EngineId.DM8, "8"),
                    new SoftwareImage("registry.test/dm8" + DIGEST, "/opt/dmdbms", "dmdba", 12345, 12349),
                    OTHER,
                    new SoftwareImage("registry.test/other" + DIGEST, "/opt/other", "other", 1000, 1000)),
            "tenon-system");

    private Instances() {}

    static List<MemberWorkload> postgresql() {
        return new PostgresqlEngine()
                .workloads(request(Topology.single())
                        .version("17")
                        .addWhitelist(Cidr.parse("10.1.0.0/16"))
                        .tls(new TlsMaterial("certificate\n", Secret.of("Canary key\n"), "authority\n"))
                        .build());
    }

    static List<MemberWorkload> dm8(Topology topology) {
        return new Dm8Engine()
                .workloads(request(topology)
                        .version("8")
                        .zone("zone-1")
                        .putSecrets("sysdba", Secret.of("Canary_Dba_12345"))
                        .putSecrets("sysauditor", Secret.of("Canary_Aud_12345"))
                        .build());
    }

    /** Returns an engine's smallest possible member. */
    static MemberWorkload.Builder other() {
        return MemberWorkload.builder()
                .ref(new MemberRef(TENANT, INSTANCE, "m-1"))
                .software(OTHER)
                .addDirectories(new Directory("data", Purpose.DATA, Optional.empty()))
                .addProcesses(process("main", "served"))
                .resources(Resources.of(1, DataSize.gib(1), DataSize.gib(2)))
                .ready(new Probe.Running());
    }

    static ProcessSpec process(String name, String... argv) {
        return new ProcessSpec(
                name,
                Stream.of(argv).map(Template::text).toList(),
                Map.of(),
                Stop.signal("TERM", Duration.ofSeconds(10)),
                true);
    }

    static MemberWorkload member(List<MemberWorkload> members, String name) {
        return members.stream()
                .filter(member -> member.ref().member().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static List<HasMetadata> render(List<MemberWorkload> members, String name) {
        return new WorkloadRenderer(PLACE).render(member(members, name), members, EPOCH, true);
    }

    static List<HasMetadata> render(MemberWorkload alone) {
        return new WorkloadRenderer(PLACE).render(alone, List.of(alone), EPOCH, true);
    }

    static <T extends HasMetadata> T only(List<HasMetadata> objects, Class<T> type) {
        return type.cast(objects.stream()
                .filter(type::isInstance)
                .reduce((a, b) -> {
                    throw new AssertionError("more than one " + type.getSimpleName());
                })
                .orElseThrow());
    }

    static PodSpec pod(List<HasMetadata> objects) {
        return only(objects, StatefulSet.class).getSpec().getTemplate().getSpec();
    }

    static Container container(List<HasMetadata> objects, String name) {
        return Stream.concat(pod(objects).getInitContainers().stream(), pod(objects).getContainers().stream())
                .filter(container -> container.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static EngineRequest.Builder request(Topology topology) {
        return EngineRequest.builder()
                .tenant(TENANT)
                .instance(INSTANCE)
                .name("orders")
                .topology(topology)
                .resources(Resources.of(4, DataSize.gib(8), DataSize.gib(50)))
                .ephemeral(false);
    }
}
