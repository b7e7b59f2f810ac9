package dev.tenon.k8s;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.Directory.Purpose;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Port.Exposure;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.ServicePortBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSetBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyBuilder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Renders a member into the objects that run it. A pure function of its arguments; two renderings of equal workloads are equal.
 *
 * <p>One StatefulSet with one replica per member, rather than a bare pod: the cluster restarts it and brings it back after a
 * node is lost also while no control plane runs, never runs it twice, and keeps its name; scaling it to 0 is a stop that stays.
 * Its pods change only when they are deleted, so that a restart happens when the control plane says so. Claims are objects of
 * their own rather than the set's templates, so that they can grow and outlive the set.
 *
 * <p>{@link dev.tenon.spi.workload.ProcessSpec#restart()} cannot be refused here: a set's pods always restart their containers.
 */
final class WorkloadRenderer {
    private final KubernetesPlace place;

    WorkloadRenderer(KubernetesPlace place) {
        this.place = place;
    }

    static String claimName(MemberWorkload workload, Directory directory) {
        return workload.ref().externalName() + "-" + directory.name();
    }

    static String filesName(MemberWorkload workload) {
        return workload.ref().externalName() + "-files";
    }

    /**
     * Renders one member.
     *
     * @param workload the member
     * @param instance all members of its instance, for the addresses and ports of its peers
     * @param epoch the lease epoch this is done under
     * @param running whether its processes shall run
     * @return objects in the order in which they are to be applied
     * @throws ProviderException {@code SOFTWARE_MISSING} without an image, {@code UNSUPPORTED} for what a cluster cannot do
     */
    List<HasMetadata> render(
            MemberWorkload workload, Collection<MemberWorkload> instance, Epoch epoch, boolean running) {
        if (workload.ephemeral()) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED,
                    "a pod does not end with the control plane; ephemeral members are not possible here");
        }
        Holes holes = new Holes(place, workload, instance);
        PodFiles files = new PodFiles(holes);
        PodSpec pod = new PodRenderer(workload, holes, files).render();
        String name = workload.ref().externalName();

        List<HasMetadata> objects = new ArrayList<>();
        for (Directory directory : workload.directories()) {
            if (directory.purpose() == Purpose.DATA) {
                objects.add(claim(workload, directory, epoch));
            }
        }
        objects.add(new ConfigMapBuilder()
                .withMetadata(Labels.meta(place.namespace(), filesName(workload), workload, epoch))
                .withData(files.plain())
                .build());
        objects.add(new SecretBuilder()
                .withMetadata(Labels.meta(place.namespace(), filesName(workload), workload, epoch))
                .withType("Opaque")
                .withData(files.secret())
                .build());
        objects.add(service(workload, epoch, Holes.peerService(workload), true));
        if (workload.ports().stream().anyMatch(port -> port.exposure() == Exposure.CLIENTS)) {
            objects.add(service(workload, epoch, name, false));
        }
        objects.add(new NetworkPolicyBuilder()
                .withMetadata(Labels.meta(place.namespace(), name, workload, epoch))
                .withSpec(NetworkRules.of(place, workload, instance))
                .build());
        objects.add(new StatefulSetBuilder()
                .withMetadata(Labels.meta(place.namespace(), name, workload, epoch))
                .withNewSpec()
                .withReplicas(running ? 1 : 0)
                .withServiceName(Holes.peerService(workload))
                .withRevisionHistoryLimit(1)
                .withNewUpdateStrategy()
                .withType("OnDelete")
                .endUpdateStrategy()
                .withNewSelector()
                .withMatchLabels(Labels.member(workload.ref()))
                .endSelector()
                .withNewTemplate()
                .withNewMetadata()
                .withLabels(Labels.all(workload))
                .withAnnotations(Map.of(Labels.RESTART_DIGEST, files.restartDigest(workload.files())))
                .endMetadata()
                .withSpec(pod)
                .endTemplate()
                .endSpec()
                .build());
        return List.copyOf(objects);
    }

    private PersistentVolumeClaim claim(MemberWorkload workload, Directory directory, Epoch epoch) {
        long bytes = directory.size().orElse(workload.resources().storage()).bytes();
        return new PersistentVolumeClaimBuilder()
                .withMetadata(Labels.meta(place.namespace(), claimName(workload, directory), workload, epoch))
                .withNewSpec()
                // One pod in the whole cluster, not one node: a second writer cannot even mount it.
                .withAccessModes("ReadWriteOncePod")
                .withStorageClassName(place.storageClass().orElse(null))
                .withNewResources()
                .withRequests(Map.of("storage", new Quantity(Long.toString(bytes))))
                .endResources()
                .endSpec()
                .build();
    }

    private Service service(MemberWorkload workload, Epoch epoch, String name, boolean forPeers) {
        Map<String, Integer> numbers = Holes.ports(workload);
        Predicate<Port> shown = port -> forPeers || port.exposure() == Exposure.CLIENTS;
        List<ServicePort> ports = workload.ports().stream()
                .filter(shown)
                .map(port -> new ServicePortBuilder()
                        .withName(port.name())
                        .withProtocol("TCP")
                        .withPort(numbers.get(port.name()))
                        .withTargetPort(new IntOrString(numbers.get(port.name())))
                        .build())
                .toList();
        return new ServiceBuilder()
                .withMetadata(Labels.meta(place.namespace(), name, workload, epoch))
                .withNewSpec()
                .withType("ClusterIP")
                .withClusterIP(forPeers ? "None" : null)
                // Peers must find a member before it is ready: some become ready only through each other.
                .withPublishNotReadyAddresses(forPeers ? true : null)
                .withSelector(Labels.member(workload.ref()))
                .withPorts(ports)
                .endSpec()
                .build();
    }
}
