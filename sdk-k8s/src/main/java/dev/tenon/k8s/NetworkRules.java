package dev.tenon.k8s;

import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port.Exposure;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRuleBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRuleBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeerBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPortBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicySpec;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicySpecBuilder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Who may talk with a member: clients with its client ports, its instance and the control plane with all of them, and itself with
 * its instance and the name service only. Which clients is the engine's whitelist to say, which a workload does not carry.
 */
final class NetworkRules {
    private static final String NAMESPACE_NAME = "kubernetes.io/metadata.name";
    private static final int DNS = 53;

    private NetworkRules() {}

    static NetworkPolicySpec of(KubernetesPlace place, MemberWorkload workload, Collection<MemberWorkload> instance) {
        return new NetworkPolicySpecBuilder()
                .withNewPodSelector()
                .withMatchLabels(Labels.member(workload.ref()))
                .endPodSelector()
                .withPolicyTypes("Ingress", "Egress")
                .withIngress(ingress(place, workload))
                .withEgress(egress(workload, instance))
                .build();
    }

    private static List<NetworkPolicyIngressRule> ingress(KubernetesPlace place, MemberWorkload workload) {
        List<NetworkPolicyIngressRule> rules = new ArrayList<>();
        List<NetworkPolicyPort> open = workload.ports().stream()
                .filter(port -> port.exposure() == Exposure.CLIENTS)
                .map(port -> tcp(Objects.requireNonNull(Holes.ports(workload).get(port.name()))))
                .toList();
        if (!open.isEmpty()) {
            rules.add(new NetworkPolicyIngressRuleBuilder().withPorts(open).build());
        }
        List<NetworkPolicyPort> all =
                Holes.ports(workload).values().stream().map(NetworkRules::tcp).toList();
        if (!all.isEmpty()) {
            rules.add(new NetworkPolicyIngressRuleBuilder()
                    .withFrom(members(workload), controlPlane(place))
                    .withPorts(all)
                    .build());
        }
        return rules;
    }

    private static List<NetworkPolicyEgressRule> egress(MemberWorkload workload, Collection<MemberWorkload> instance) {
        TreeSet<Integer> peerPorts = new TreeSet<>();
        for (MemberWorkload peer : instance) {
            if (!peer.ref().equals(workload.ref())) {
                peerPorts.addAll(Holes.ports(peer).values());
            }
        }
        if (peerPorts.isEmpty()) {
            return List.of();
        }
        NetworkPolicyPeer nameService = new NetworkPolicyPeerBuilder()
                .withNewNamespaceSelector()
                .withMatchLabels(Map.of(NAMESPACE_NAME, "kube-system"))
                .endNamespaceSelector()
                .build();
        return List.of(
                new NetworkPolicyEgressRuleBuilder()
                        .withTo(members(workload))
                        .withPorts(peerPorts.stream().map(NetworkRules::tcp).toList())
                        .build(),
                new NetworkPolicyEgressRuleBuilder()
                        .withTo(nameService)
                        .withPorts(Stream.of("TCP", "UDP")
                                .map(protocol -> port(protocol, DNS))
                                .toList())
                        .build());
    }

    private static NetworkPolicyPeer members(MemberWorkload workload) {
        return new NetworkPolicyPeerBuilder()
                .withNewPodSelector()
                .withMatchLabels(Labels.instance(workload.ref()))
                .endPodSelector()
                .build();
    }

    private static NetworkPolicyPeer controlPlane(KubernetesPlace place) {
        return new NetworkPolicyPeerBuilder()
                .withNewNamespaceSelector()
                .withMatchLabels(Map.of(NAMESPACE_NAME, place.controlPlaneNamespace()))
                .endNamespaceSelector()
                .build();
    }

    private static NetworkPolicyPort tcp(int number) {
        return port("TCP", number);
    }

    private static NetworkPolicyPort port(String protocol, int number) {
        return new NetworkPolicyPortBuilder()
                .withProtocol(protocol)
                .withPort(new IntOrString(number))
                .build();
    }
}
