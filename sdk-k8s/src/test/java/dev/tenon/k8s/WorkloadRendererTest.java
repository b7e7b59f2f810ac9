package dev.tenon.k8s;

import static dev.tenon.k8s.Instances.container;
import static dev.tenon.k8s.Instances.only;
import static dev.tenon.k8s.Instances.other;
import static dev.tenon.k8s.Instances.pod;
import static dev.tenon.k8s.Instances.process;
import static dev.tenon.k8s.Instances.render;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.FileSpec.OnChange;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.PeerPort;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class WorkloadRendererTest {
    private final List<MemberWorkload> guarded = Instances.dm8(Topology.primaryStandby(1));

    static Stream<List<HasMetadata>> everyMember() {
        List<MemberWorkload> group = Instances.dm8(Topology.primaryStandby(2));
        return Stream.of(
                render(Instances.postgresql(), "m-1"),
                render(Instances.dm8(Topology.single()), "m-1"),
                render(group, "m-1"),
                render(group, "m-3"),
                render(group, "monitor"));
    }

    // Pod Security Standards, profile "restricted", and no way to the API server or the node.
    @ParameterizedTest
    @MethodSource("everyMember")
    void pod_ofAnyMember_isRestricted(List<HasMetadata> objects) {
        PodSpec pod = pod(objects);
        assertThat(pod.getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getShareProcessNamespace()).isFalse();
        assertThat(pod.getHostNetwork()).isNull();
        assertThat(pod.getHostPID()).isNull();
        assertThat(pod.getHostIPC()).isNull();
        assertThat(pod.getEnableServiceLinks()).isFalse();
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSecurityContext().getRunAsUser()).isPositive();
        assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
        assertThat(pod.getVolumes()).allMatch(volume -> volume.getHostPath() == null);
        assertThat(Stream.concat(pod.getInitContainers().stream(), pod.getContainers().stream()))
                .isNotEmpty()
                .allSatisfy(container -> {
                    assertThat(container.getImage()).contains("@sha256:");
                    var context = container.getSecurityContext();
                    assertThat(context.getAllowPrivilegeEscalation()).isFalse();
                    assertThat(context.getPrivileged()).isFalse();
                    assertThat(context.getReadOnlyRootFilesystem()).isTrue();
                    assertThat(context.getRunAsNonRoot()).isTrue();
                    assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
                    assertThat(context.getCapabilities().getAdd()).isNullOrEmpty();
                    assertThat(context.getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
                    assertThat(container.getResources().getLimits())
                            .isEqualTo(container.getResources().getRequests())
                            .containsKeys("cpu", "memory");
                });
    }

    @ParameterizedTest
    @MethodSource("everyMember")
    void secrets_ofAnyMember_areOnlyInItsSecret(List<HasMetadata> objects) {
        String others = objects.stream()
                .filter(object -> !(object instanceof io.fabric8.kubernetes.api.model.Secret))
                .map(Serialization::asYaml)
                .reduce("", String::concat);
        assertThat(others).doesNotContain("Canary").doesNotContain(base64("Canary"));
    }

    @ParameterizedTest
    @MethodSource("everyMember")
    void objects_ofAnyMember_carryWhoseTheyAreAndTheEpoch(List<HasMetadata> objects) {
        assertThat(objects).allSatisfy(object -> {
            assertThat(object.getMetadata().getNamespace()).isEqualTo("tenant-a");
            assertThat(object.getMetadata().getName()).hasSizeLessThanOrEqualTo(52);
            assertThat(object.getMetadata().getLabels())
                    .containsEntry("tenon.dev/tenant", "t-aaaaaaaaaaaaaaaaaaaa")
                    .containsEntry("tenon.dev/instance", "i-ordersordersordersor")
                    .containsEntry("app.kubernetes.io/managed-by", "tenon");
            assertThat(object.getMetadata().getAnnotations()).containsEntry("tenon.dev/epoch", "7");
        });
    }

    @Test
    void set_ofAMember_hasOneReplicaThatChangesOnlyWhenDeleted() {
        StatefulSet set = only(render(Instances.postgresql(), "m-1"), StatefulSet.class);
        assertThat(set.getSpec().getReplicas()).isEqualTo(1);
        assertThat(set.getSpec().getUpdateStrategy().getType()).isEqualTo("OnDelete");
        assertThat(set.getSpec().getSelector().getMatchLabels())
                .isEqualTo(Map.of("tenon.dev/instance", "i-ordersordersordersor", "tenon.dev/member", "m-1"));
    }

    @Test
    void set_ofAStoppedMember_hasNoReplica() {
        MemberWorkload member = other().build();
        var objects = new WorkloadRenderer(Instances.PLACE).render(member, List.of(member), Instances.EPOCH, false);
        assertThat(only(objects, StatefulSet.class).getSpec().getReplicas()).isZero();
    }

    @Test
    void claims_areOnePerDataDirectoryWithItsSize() {
        List<HasMetadata> objects = render(guarded, "m-1");
        assertThat(objects.stream().filter(PersistentVolumeClaim.class::isInstance))
                .extracting(object -> object.getMetadata().getName())
                .containsExactly("i-ordersordersordersor-m-1-data", "i-ordersordersordersor-m-1-archive");
        PersistentVolumeClaim archive = (PersistentVolumeClaim) objects.get(1);
        assertThat(archive.getSpec().getAccessModes()).containsExactly("ReadWriteOncePod");
        assertThat(archive.getSpec().getStorageClassName()).isEqualTo("fast");
        assertThat(archive.getSpec().getResources().getRequests().get("storage").getAmount())
                .isEqualTo(Long.toString(DataSize.gib(10).bytes()));
        assertThat(render(guarded, "monitor")).noneMatch(PersistentVolumeClaim.class::isInstance);
    }

    // A workload's processes start in order and stop in reverse: sidecars do, containers beside each other do not.
    @Test
    void processes_allButTheLast_areSidecars() {
        List<HasMetadata> objects = render(guarded, "m-1");
        assertThat(pod(objects).getInitContainers())
                .extracting(Container::getName)
                .containsExactly("directories", "initialise-0", "files", "dmserver");
        assertThat(container(objects, "dmserver").getRestartPolicy()).isEqualTo("Always");
        assertThat(container(objects, "dmserver").getStartupProbe()).isNotNull();
        assertThat(container(objects, "files").getRestartPolicy()).isNull();
        assertThat(pod(objects).getContainers()).extracting(Container::getName).containsExactly("dmwatcher");
        assertThat(pod(objects).getTerminationGracePeriodSeconds()).isEqualTo(120 + 30 + 5);
    }

    @Test
    void resources_ofSideProcesses_comeOutOfTheMembers() {
        List<HasMetadata> objects = render(guarded, "m-1");
        assertThat(limits(container(objects, "dmserver")))
                .isEqualTo("3900m/" + DataSize.mib(8192 - 128).bytes());
        assertThat(limits(container(objects, "dmwatcher")))
                .isEqualTo("100m/" + DataSize.mib(128).bytes());
    }

    @Test
    void resources_tooSmallForTheSideProcesses_areRefused() {
        MemberWorkload member = other().addProcesses(process("side", "watch"))
                .resources(Resources.of(0.1, DataSize.gib(1), DataSize.gib(1)))
                .build();
        refuses(ErrorCode.SIZE_INVALID, () -> render(member));
    }

    @Test
    void software_isLookedUpInTheImagesBin() {
        assertThat(container(render(guarded, "m-1"), "dmserver").getCommand())
                .containsExactly(
                        "/opt/dmdbms/bin/dmserver", "/tenon/data/content/DAMENG/dm.ini", "mount", "-noconsole");
    }

    // DM8 writes its logs beside its binaries, on a root file system nobody can write to.
    @Test
    void softwareDirectories_areShownInsideTheHome() {
        assertThat(container(render(guarded, "m-1"), "dmserver").getVolumeMounts())
                .anySatisfy(mount -> {
                    assertThat(mount.getMountPath()).isEqualTo("/opt/dmdbms/log");
                    assertThat(mount.getName()).isEqualTo("dir-log");
                    assertThat(mount.getSubPath()).isEqualTo("content");
                });
        assertThat(container(render(guarded, "m-1"), "directories").getVolumeMounts())
                .noneMatch(mount -> mount.getMountPath().equals("/opt/dmdbms/log"));
    }

    @Test
    void stop_byCommand_runsItBeforeTheKubeletsSignal() {
        assertThat(container(render(guarded, "m-1"), "dmserver")
                        .getLifecycle()
                        .getPreStop()
                        .getExec()
                        .getCommand())
                .endsWith(
                        "env",
                        "LD_LIBRARY_PATH=/opt/dmdbms/bin",
                        "/opt/dmdbms/bin/disql",
                        "/NOLOG",
                        "`/tenon/config/content/stop.sql");
    }

    @Test
    void stop_bySignal_sendsItWhateverTheImageSays() {
        assertThat(container(render(Instances.postgresql(), "m-1"), "postgres")
                        .getLifecycle()
                        .getPreStop()
                        .getExec()
                        .getCommand())
                .endsWith("INT");
    }

    @Test
    void probe_portOpen_asksTheNumber() {
        Container server = container(render(guarded, "m-1"), "dmserver");
        assertThat(server.getReadinessProbe().getTcpSocket().getPort().getIntVal())
                .isEqualTo(5236);
        assertThat(server.getLivenessProbe()).isNull();
    }

    @Test
    void probe_fileLine_readsOnlyAFileNewerThanTheStart() {
        Container postgres = container(render(Instances.postgresql(), "m-1"), "postgres");
        assertThat(postgres.getCommand()).startsWith("/bin/sh", "-c").contains("/usr/lib/postgresql/17/bin/postgres");
        assertThat(postgres.getReadinessProbe().getExec().getCommand())
                .endsWith("/tenon/data/content/postmaster.pid", "ready", "/tmp/tenon-started");
    }

    @Test
    void probe_exec_runsTheCommandWithItsEnvironmentAndTimeout() {
        Command command = new Command(
                List.of(Template.text("check"), Template.text("$(HOME)")),
                Map.of("A", Template.text("$(B)")),
                Optional.empty(),
                Duration.ofSeconds(9));
        var probe = container(render(other().ready(new Probe.Exec(command)).build()), "main")
                .getReadinessProbe();
        assertThat(probe.getExec().getCommand()).containsExactly("env", "A=$$(B)", "/opt/other/bin/check", "$$(HOME)");
        assertThat(probe.getTimeoutSeconds()).isEqualTo(9);
    }

    @Test
    void probe_running_needsNone() {
        assertThat(container(render(guarded, "monitor"), "dmmonitor").getReadinessProbe())
                .isNull();
    }

    @Test
    void probe_execThatReadsInput_isRefused() {
        Command command = new Command(
                List.of(Template.text("check")), Map.of(), Optional.of(Secret.of("x")), Duration.ofSeconds(1));
        refuses(
                ErrorCode.UNSUPPORTED,
                () -> render(other().ready(new Probe.Exec(command)).build()));
    }

    @Test
    void peers_findEachOtherByName() {
        assertThat(only(render(guarded, "monitor"), ConfigMap.class).getData().get("file-000"))
                .contains("MON_DW_IP = i-ordersordersordersor-m-1-peer.tenant-a.svc:5436")
                .contains("MON_DW_IP = i-ordersordersordersor-m-2-peer.tenant-a.svc:5436");
        Service peer = service(render(guarded, "m-1"), "i-ordersordersordersor-m-1-peer");
        assertThat(peer.getSpec().getClusterIP()).isEqualTo("None");
        assertThat(peer.getSpec().getPublishNotReadyAddresses()).isTrue();
    }

    @Test
    void clients_findOnlyTheClientPort() {
        Service service = service(render(guarded, "m-1"), "i-ordersordersordersor-m-1");
        assertThat(service.getSpec().getPorts()).singleElement().satisfies(port -> assertThat(port.getPort())
                .isEqualTo(5236));
        assertThat(render(guarded, "monitor").stream().filter(Service.class::isInstance))
                .hasSize(1);
    }

    @Test
    void peerPort_thatNobodyHas_isAFailureNotAGuess() {
        MemberWorkload member = other().addFiles(file("a", Template.of(new PeerPort("m-1", "none"))))
                .build();
        refuses(ErrorCode.PROVIDER_FAILED, () -> render(member));
        MemberWorkload lonely = other().addFiles(file("a", Template.of(new PeerPort("m-9", "none"))))
                .build();
        refuses(ErrorCode.PROVIDER_FAILED, () -> render(lonely));
    }

    @Test
    void ports_withoutOrWithEqualPreference_getNumbersOfTheirOwn() {
        MemberWorkload member = other().addPorts(
                        new Port("a", OptionalInt.of(5000), Port.Exposure.CLIENTS),
                        new Port("b", OptionalInt.of(5000), Port.Exposure.MEMBERS),
                        new Port("c", OptionalInt.empty(), Port.Exposure.MEMBERS))
                .build();
        assertThat(container(render(member), "main").getPorts())
                .extracting(ContainerPort::getContainerPort)
                .containsExactly(5000, 10_000, 10_001);
    }

    @Test
    void network_openToClients_isOnlyTheClientPort() {
        NetworkPolicy policy = only(render(guarded, "m-1"), NetworkPolicy.class);
        assertThat(policy.getSpec().getPolicyTypes()).containsExactly("Ingress", "Egress");
        assertThat(policy.getSpec().getIngress()).hasSize(2);
        var clients = policy.getSpec().getIngress().get(0);
        assertThat(clients.getFrom()).isNullOrEmpty();
        assertThat(clients.getPorts())
                .extracting(port -> port.getPort().getIntVal())
                .containsExactly(5236);
        var members = policy.getSpec().getIngress().get(1);
        assertThat(members.getFrom()).hasSize(2);
        assertThat(members.getFrom().get(0).getPodSelector().getMatchLabels())
                .isEqualTo(Map.of("tenon.dev/instance", "i-ordersordersordersor"));
        assertThat(members.getFrom().get(1).getNamespaceSelector().getMatchLabels())
                .isEqualTo(Map.of("kubernetes.io/metadata.name", "tenon-system"));
    }

    @Test
    void network_ofAnInstanceWithoutPeers_leadsNowhere() {
        NetworkPolicy policy = only(render(Instances.postgresql(), "m-1"), NetworkPolicy.class);
        assertThat(policy.getSpec().getPolicyTypes()).contains("Egress");
        assertThat(policy.getSpec().getEgress()).isEmpty();
    }

    @Test
    void network_ofAnInstanceWithPeers_leadsToThemAndTheNameService() {
        NetworkPolicy policy = only(render(guarded, "monitor"), NetworkPolicy.class);
        assertThat(policy.getSpec().getIngress()).isEmpty();
        assertThat(policy.getSpec().getEgress()).hasSize(2);
        assertThat(policy.getSpec().getEgress().get(1).getPorts())
                .extracting(port -> port.getPort().getIntVal())
                .containsOnly(53);
    }

    @Test
    void placement_becomesAffinity() {
        var affinity = pod(render(guarded, "monitor")).getAffinity();
        var apart = affinity.getPodAntiAffinity()
                .getRequiredDuringSchedulingIgnoredDuringExecution()
                .get(0);
        assertThat(apart.getTopologyKey()).isEqualTo("kubernetes.io/hostname");
        assertThat(apart.getLabelSelector().getMatchExpressions().get(0).getValues())
                .containsExactly("m-1", "m-2");
        assertThat(affinity.getNodeAffinity()
                        .getRequiredDuringSchedulingIgnoredDuringExecution()
                        .getNodeSelectorTerms()
                        .get(0)
                        .getMatchExpressions()
                        .get(0)
                        .getValues())
                .containsExactly("zone-1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{{ .Values.x }}", "a\nb: c", "${HOME}", "$(HOME)", "$$(HOME)", "'\"`\\", "---\n", "\t#x", "名前"})
    void values_ofAnyForm_stayText(String hostile) {
        MemberWorkload member = other().processes(List.of(new ProcessSpec(
                        "main",
                        List.of(Template.text("served"), Template.text(hostile)),
                        Map.of("NAME", Template.text(hostile)),
                        Stop.signal("TERM", Duration.ofSeconds(1)),
                        true)))
                .addFiles(file("plain", Template.text(hostile)))
                .addFiles(new FileSpec("data", "hidden", Template.text(hostile), 0600, true, OnChange.NOTHING))
                .putLabels("note", hostile)
                .build();
        List<HasMetadata> objects = render(member).stream()
                .map(object -> Serialization.<HasMetadata>unmarshal(Serialization.asYaml(object)))
                .toList();
        Container main = container(objects, "main");
        assertThat(expanded(main.getCommand().get(1))).isEqualTo(hostile);
        assertThat(expanded(main.getEnv().get(0).getValue())).isEqualTo(hostile);
        assertThat(only(objects, ConfigMap.class).getData()).containsEntry("file-000", hostile);
        assertThat(only(objects, io.fabric8.kubernetes.api.model.Secret.class).getData())
                .containsEntry("file-000", base64(hostile));
        assertThat(objects.get(0).getMetadata().getAnnotations()).containsEntry("label.tenon.dev/note", hostile);
    }

    @Test
    void restartDigest_changesOnlyWithFilesThatNeedARestart() {
        String before =
                digest(other().addFiles(changing("a", "1", OnChange.RESTART)).build());
        assertThat(digest(other().addFiles(changing("a", "2", OnChange.RESTART)).build()))
                .isNotEqualTo(before);
        assertThat(digest(other().addFiles(changing("a", "1", OnChange.RESTART), changing("b", "2", OnChange.RELOAD))
                        .build()))
                .isEqualTo(before);
    }

    @Test
    void initialise_severalStepsOfADirectory_areStartedOverTogether() {
        MemberWorkload member =
                other().addInitialise(step("one", "1"), step("two", "2")).build();
        List<HasMetadata> objects = render(member);
        assertThat(parameters(objects, "initialise-0"))
                .startsWith("/tenon/data/content", "/tenon/data/.initialising", "yes", "no")
                .containsSubsequence("2", "1", "2");
        assertThat(parameters(objects, "initialise-1"))
                .startsWith("/tenon/data/content", "/tenon/data/.initialising", "no", "yes");
    }

    @Test
    void member_ephemeral_isRefused() {
        refuses(ErrorCode.UNSUPPORTED, () -> render(other().ephemeral(true).build()));
    }

    @Test
    void member_withoutImage_isRefused() {
        refuses(
                ErrorCode.SOFTWARE_MISSING,
                () -> render(other().software(new Software(Instances.OTHER.engine(), "2"))
                        .build()));
    }

    @Test
    void member_withoutProcess_isRefused() {
        refuses(ErrorCode.UNSUPPORTED, () -> render(other().processes(List.of()).build()));
    }

    @Test
    void image_withoutDigestOrAsRoot_isRefused() {
        String pinned = "registry.test/x@sha256:" + "a".repeat(64);
        refuses(ErrorCode.SPEC_INVALID, () -> new SoftwareImage("registry.test/x:latest", "/x", "x", 1, 1));
        refuses(ErrorCode.SPEC_INVALID, () -> new SoftwareImage(pinned, "/x", "root", 0, 1));
        refuses(ErrorCode.SPEC_INVALID, () -> new SoftwareImage(pinned, "x/", "x", 1, 1));
    }

    private static InitialiseStep step(String name, String creates) {
        return new InitialiseStep(
                name, Command.of(Duration.ofMinutes(1), Template.text("make")), "data", creates, true);
    }

    private static FileSpec file(String path, Template content) {
        return new FileSpec("data", path, content, 0600, false, OnChange.NOTHING);
    }

    private static FileSpec changing(String path, String content, OnChange onChange) {
        return new FileSpec("data", path, Template.text(content), 0600, false, onChange);
    }

    private static String digest(MemberWorkload member) {
        return only(render(member), StatefulSet.class)
                .getSpec()
                .getTemplate()
                .getMetadata()
                .getAnnotations()
                .get("tenon.dev/restart-digest");
    }

    private static List<String> parameters(List<HasMetadata> objects, String name) {
        List<String> command = container(objects, name).getCommand();
        return command.subList(4, command.size());
    }

    private static Service service(List<HasMetadata> objects, String name) {
        return objects.stream()
                .filter(Service.class::isInstance)
                .map(Service.class::cast)
                .filter(service -> service.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static String limits(Container container) {
        var limits = container.getResources().getLimits();
        return limits.get("cpu") + "/" + limits.get("memory");
    }

    /** What the kubelet makes of a command or a variable: a doubled dollar is one; nothing else here names a variable. */
    private static String expanded(String text) {
        assertThat(text.replace("$$", "")).doesNotContain("$(");
        return text.replace("$$", "$");
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void refuses(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }
}
