package dev.tenon.k8s;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.Directory.Purpose;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Stop;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.AffinityBuilder;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.ContainerPortBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.NodeSelectorTermBuilder;
import io.fabric8.kubernetes.api.model.PodAffinityTermBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.ProbeBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Renders the pod of one member. */
final class PodRenderer {
    /** A side process is small; what it may use is taken from the main one's share. */
    private static final int SIDE_CPU_MILLIS = 100;

    private static final DataSize SIDE_MEMORY = DataSize.mib(128);

    private static final int STARTUP_PERIOD_SECONDS = 2;

    /** Crash recovery may take hours and must not be killed for it. */
    private static final int STARTUP_FAILURES = (int) (Duration.ofHours(24).toSeconds() / STARTUP_PERIOD_SECONDS);

    /** Written by every start of a main process whose readiness is told by a file. */
    private static final String STARTED = "/tmp/tenon-started";

    private final MemberWorkload workload;
    private final Holes holes;
    private final PodFiles files;

    PodRenderer(MemberWorkload workload, Holes holes, PodFiles files) {
        this.workload = workload;
        this.holes = holes;
        this.files = files;
    }

    PodSpec render() {
        List<Container> init = new ArrayList<>();
        init.add(helper("directories", Scripts.directories(contentDirectories()), false)
                .build());
        List<InitialiseStep> steps = workload.initialise();
        for (int i = 0; i < steps.size(); i++) {
            init.add(initialise(steps, i));
        }
        List<String> triples = files.triples(workload.files());
        if (!triples.isEmpty()) {
            init.add(helper("files", Scripts.files(triples), true).build());
        }
        // Sidecars start in order, each once its predecessor has started, before the last process, and stop in reverse
        // order
        // after it: exactly a workload's rule, which containers beside each other do not keep.
        List<Container> processes = processes();
        init.addAll(processes.subList(0, processes.size() - 1));
        return new PodSpecBuilder()
                .withAutomountServiceAccountToken(false)
                .withEnableServiceLinks(false)
                .withShareProcessNamespace(false)
                .withTerminationGracePeriodSeconds(graceSeconds())
                .withNewSecurityContext()
                .withRunAsNonRoot(true)
                .withRunAsUser(holes.image().uid())
                .withRunAsGroup(holes.image().gid())
                .withFsGroup(holes.image().gid())
                .withFsGroupChangePolicy("OnRootMismatch")
                .withNewSeccompProfile()
                .withType("RuntimeDefault")
                .endSeccompProfile()
                .endSecurityContext()
                .withAffinity(affinity())
                .withInitContainers(init)
                .withContainers(processes.get(processes.size() - 1))
                .withVolumes(volumes())
                .build();
    }

    private List<String> contentDirectories() {
        return workload.directories().stream()
                .map(directory -> Holes.directoryPath(directory.name()))
                .toList();
    }

    private Container initialise(List<InitialiseStep> steps, int i) {
        InitialiseStep step = steps.get(i);
        Command command = step.command();
        List<InitialiseStep> same = steps.stream()
                .filter(other -> other.directory().equals(step.directory()))
                .toList();
        boolean first = same.get(0) == step;
        boolean last = same.get(same.size() - 1) == step;
        List<String> parameters = new ArrayList<>();
        parameters.add(Holes.directoryPath(step.directory()));
        parameters.add(Holes.mountPath(step.directory()) + "/.initialising");
        parameters.add(first ? "yes" : "no");
        parameters.add(last ? "yes" : "no");
        parameters.add(Long.toString(Math.max(1, command.timeout().toSeconds())));
        parameters.add(command.successText().orElse(""));
        parameters.add(command.stdin()
                .map(secret -> secret.reveal(text -> files.source(text, true)))
                .orElse("/dev/null"));
        List<String> creates =
                first ? same.stream().map(InitialiseStep::creates).toList() : List.of(step.creates());
        parameters.add(Integer.toString(creates.size()));
        parameters.addAll(creates);
        parameters.add(Integer.toString(step.inputs().size()));
        parameters.addAll(files.triples(step.inputs()));
        parameters.addAll(holes.argv(command));
        return helper("initialise-" + i, Scripts.initialise(parameters), true).build();
    }

    private List<Container> processes() {
        List<ProcessSpec> specs = workload.processes();
        if (specs.isEmpty()) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED, workload.ref() + " has no process, and a pod needs one; nothing to render");
        }
        List<Container> containers = new ArrayList<>();
        for (int i = 0; i < specs.size(); i++) {
            boolean main = i == 0;
            boolean last = i == specs.size() - 1;
            containers.add(process(specs.get(i), main, last));
        }
        return containers;
    }

    private Container process(ProcessSpec spec, boolean main, boolean last) {
        List<EnvVar> environment = new ArrayList<>();
        new TreeMap<>(spec.environment())
                .forEach((name, value) -> environment.add(new EnvVar(name, escape(holes.fill(value)), null)));
        List<String> argv = holes.argv(spec.argv());
        boolean stamped = main && workload.ready() instanceof Probe.FileLine;
        var container = container(spec.name(), stamped ? Scripts.stamped(STARTED, argv) : argv)
                .withEnv(environment)
                .withResources(main ? mainShare() : share(SIDE_CPU_MILLIS, SIDE_MEMORY))
                .withVolumeMounts(mounts(false))
                .withNewLifecycle()
                .withNewPreStop()
                .withNewExec()
                // Hooks, unlike commands and probes, are not expanded, so that nothing is escaped.
                .withCommand(preStop(spec.stop()))
                .endExec()
                .endPreStop()
                .endLifecycle();
        if (!last) {
            container.withRestartPolicy("Always");
        }
        if (main) {
            container.withPorts(containerPorts());
            probe().ifPresent(probe -> container
                    .withStartupProbe(probe.withPeriodSeconds(STARTUP_PERIOD_SECONDS)
                            .withFailureThreshold(STARTUP_FAILURES)
                            .build())
                    // No liveness probe: a slow database is not helped by being killed, and a dead one restarts anyway.
                    .withReadinessProbe(
                            probe.withPeriodSeconds(5).withFailureThreshold(3).build()));
        }
        return container.build();
    }

    private List<String> preStop(Stop stop) {
        if (stop.command().isEmpty()) {
            // Always by hand: what the kubelet sends by itself depends on the image's STOPSIGNAL.
            return Scripts.signal(stop.signal());
        }
        Command command = stop.command().get();
        refuseInput(command, "stop");
        return Scripts.stop(holes.argv(command));
    }

    private Optional<ProbeBuilder> probe() {
        Probe ready = workload.ready();
        if (ready instanceof Probe.PortOpen port) {
            return Optional.of(new ProbeBuilder()
                    .withTimeoutSeconds(5)
                    .withNewTcpSocket()
                    .withNewPort(Holes.ports(workload).get(port.port()))
                    .endTcpSocket());
        }
        if (ready instanceof Probe.FileLine line) {
            String path = Holes.directoryPath(line.directory()) + "/" + line.path();
            return Optional.of(execProbe(Scripts.line(path, line.line(), STARTED), 5));
        }
        if (ready instanceof Probe.Exec exec) {
            refuseInput(exec.command(), "probe");
            int seconds = (int) Math.max(1, exec.command().timeout().toSeconds());
            return Optional.of(execProbe(holes.argv(exec.command()), seconds));
        }
        return Optional.empty();
    }

    private static ProbeBuilder execProbe(List<String> argv, int timeoutSeconds) {
        return new ProbeBuilder()
                .withTimeoutSeconds(timeoutSeconds)
                .withNewExec()
                .withCommand(escape(argv))
                .endExec();
    }

    private void refuseInput(Command command, String what) {
        if (command.stdin().isPresent() || command.successText().isPresent()) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED,
                    "the " + what + " command of " + workload.ref() + " reads input or is judged by its output;"
                            + " Kubernetes can do neither there");
        }
    }

    private ContainerBuilder helper(String name, List<String> argv, boolean withFiles) {
        return container(name, argv)
                .withResources(mainShare())
                .withVolumeMounts(withFiles ? mounts(true) : directoryMounts());
    }

    private ContainerBuilder container(String name, List<String> argv) {
        return new ContainerBuilder()
                .withName(name)
                .withImage(holes.image().image())
                .withImagePullPolicy("IfNotPresent")
                .withCommand(escape(argv))
                .withSecurityContext(restricted());
    }

    private static SecurityContext restricted() {
        return new SecurityContextBuilder()
                .withAllowPrivilegeEscalation(false)
                .withPrivileged(false)
                .withReadOnlyRootFilesystem(true)
                .withRunAsNonRoot(true)
                .withNewCapabilities()
                .withDrop("ALL")
                .endCapabilities()
                .withNewSeccompProfile()
                .withType("RuntimeDefault")
                .endSeccompProfile()
                .build();
    }

    private ResourceRequirements mainShare() {
        int side = Math.max(0, workload.processes().size() - 1);
        int cpuMillis = workload.resources().cpuMillis() - side * SIDE_CPU_MILLIS;
        long memory = workload.resources().memory().bytes() - side * SIDE_MEMORY.bytes();
        if (cpuMillis <= 0 || memory <= 0) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID,
                    "resources",
                    "side processes take " + side * SIDE_CPU_MILLIS + "m and " + side * SIDE_MEMORY.toMib()
                            + "MiB, which leaves nothing for "
                            + workload.processes().get(0).name());
        }
        return share(cpuMillis, DataSize.bytes(memory));
    }

    /** Requests equal limits: the pod is in the guaranteed class and is the last to be evicted. */
    private static ResourceRequirements share(int cpuMillis, DataSize memory) {
        Map<String, Quantity> amounts = new TreeMap<>(
                Map.of("cpu", new Quantity(cpuMillis + "m"), "memory", new Quantity(Long.toString(memory.bytes()))));
        return new ResourceRequirementsBuilder()
                .withRequests(amounts)
                .withLimits(amounts)
                .build();
    }

    private List<ContainerPort> containerPorts() {
        List<ContainerPort> ports = new ArrayList<>();
        Holes.ports(workload)
                .forEach((name, number) -> ports.add(new ContainerPortBuilder()
                        .withName(name)
                        .withContainerPort(number)
                        .withProtocol("TCP")
                        .build()));
        return ports;
    }

    private List<VolumeMount> directoryMounts() {
        List<VolumeMount> mounts = new ArrayList<>();
        for (Directory directory : workload.directories()) {
            mounts.add(mount("dir-" + directory.name(), Holes.mountPath(directory.name())));
        }
        mounts.add(mount("tmp", "/tmp"));
        return mounts;
    }

    private List<VolumeMount> mounts(boolean withFiles) {
        List<VolumeMount> mounts = new ArrayList<>(directoryMounts());
        mounts.add(mount("shm", "/dev/shm"));
        new TreeMap<>(workload.softwareDirectories())
                .forEach((path, directory) -> mounts.add(new VolumeMountBuilder()
                        .withName("dir-" + directory)
                        .withMountPath(holes.image().home() + "/" + path)
                        // Made by the first container, with the right owner.
                        .withSubPath("content")
                        .build()));
        if (withFiles) {
            mounts.add(readOnly("files-plain", PodFiles.PLAIN_MOUNT));
            mounts.add(readOnly("files-secret", PodFiles.SECRET_MOUNT));
        }
        return mounts;
    }

    private static VolumeMount mount(String volume, String path) {
        return new VolumeMountBuilder().withName(volume).withMountPath(path).build();
    }

    private static VolumeMount readOnly(String volume, String path) {
        return new VolumeMountBuilder()
                .withName(volume)
                .withMountPath(path)
                .withReadOnly(true)
                .build();
    }

    private List<Volume> volumes() {
        List<Volume> volumes = new ArrayList<>();
        for (Directory directory : workload.directories()) {
            var volume = new VolumeBuilder().withName("dir-" + directory.name());
            if (directory.purpose() == Purpose.DATA) {
                volume.withNewPersistentVolumeClaim()
                        .withClaimName(WorkloadRenderer.claimName(workload, directory))
                        .endPersistentVolumeClaim();
            } else {
                // Configuration carries secrets and sockets are nothing to keep: neither touches a node's disk.
                boolean inMemory = directory.purpose() != Purpose.LOG;
                volume.withNewEmptyDir()
                        .withMedium(inMemory ? "Memory" : null)
                        .withSizeLimit(directory
                                .size()
                                .map(size -> new Quantity(Long.toString(size.bytes())))
                                .orElse(inMemory ? new Quantity("16Mi") : new Quantity("1Gi")))
                        .endEmptyDir();
            }
            volumes.add(volume.build());
        }
        volumes.add(new VolumeBuilder()
                .withName("tmp")
                .withNewEmptyDir()
                .withSizeLimit(new Quantity("256Mi"))
                .endEmptyDir()
                .build());
        // The runtime's own is 64 MiB, too small for parallel queries; what is used counts against the memory limit.
        volumes.add(new VolumeBuilder()
                .withName("shm")
                .withNewEmptyDir()
                .withMedium("Memory")
                .withSizeLimit(
                        new Quantity(Long.toString(workload.resources().memory().bytes() / 2)))
                .endEmptyDir()
                .build());
        volumes.add(new VolumeBuilder()
                .withName("files-plain")
                .withNewConfigMap()
                .withName(WorkloadRenderer.filesName(workload))
                .endConfigMap()
                .build());
        volumes.add(new VolumeBuilder()
                .withName("files-secret")
                .withNewSecret()
                .withSecretName(WorkloadRenderer.filesName(workload))
                .withDefaultMode(0440)
                .endSecret()
                .build());
        return volumes;
    }

    private Affinity affinity() {
        Placement placement = workload.placement();
        var affinity = new AffinityBuilder();
        placement.zone().ifPresent(zone -> affinity.withNewNodeAffinity()
                .withNewRequiredDuringSchedulingIgnoredDuringExecution()
                .withNodeSelectorTerms(new NodeSelectorTermBuilder()
                        .addNewMatchExpression()
                        .withKey("topology.kubernetes.io/zone")
                        .withOperator("In")
                        .withValues(zone)
                        .endMatchExpression()
                        .build())
                .endRequiredDuringSchedulingIgnoredDuringExecution()
                .endNodeAffinity());
        if (!placement.apartFrom().isEmpty()) {
            affinity.withNewPodAntiAffinity()
                    .withRequiredDuringSchedulingIgnoredDuringExecution(new PodAffinityTermBuilder()
                            .withTopologyKey("kubernetes.io/hostname")
                            .withLabelSelector(new LabelSelectorBuilder()
                                    .addToMatchLabels(
                                            Labels.INSTANCE,
                                            workload.ref().instance().value())
                                    .addNewMatchExpression()
                                    .withKey(Labels.MEMBER)
                                    .withOperator("In")
                                    .withValues(new ArrayList<>(new TreeSet<>(placement.apartFrom())))
                                    .endMatchExpression()
                                    .build())
                            .build())
                    .endPodAntiAffinity();
        }
        return affinity.build();
    }

    /** Processes stop one after the other, so that their times add up; the rest is for the kubelet. */
    private long graceSeconds() {
        return workload.processes().stream()
                        .mapToLong(process -> process.stop().grace().toSeconds())
                        .sum()
                + 5;
    }

    private static List<String> escape(List<String> argv) {
        return argv.stream().map(PodRenderer::escape).toList();
    }

    /** The kubelet expands {@code $(NAME)} in commands, environment and exec probes; a doubled {@code $} is a plain one. */
    private static String escape(String text) {
        return text.replace("$", "$$");
    }
}
