package dev.tenon.k8s;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.DirectoryPath;
import dev.tenon.spi.workload.Template.ListenAddress;
import dev.tenon.spi.workload.Template.Literal;
import dev.tenon.spi.workload.Template.OperatorUser;
import dev.tenon.spi.workload.Template.Part;
import dev.tenon.spi.workload.Template.PeerAddress;
import dev.tenon.spi.workload.Template.PeerPort;
import dev.tenon.spi.workload.Template.PeerSource;
import dev.tenon.spi.workload.Template.PortNumber;
import dev.tenon.spi.workload.Template.RunAsUser;
import dev.tenon.spi.workload.Template.SoftwareHome;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** How Kubernetes fills the holes of one member's templates. */
final class Holes {
    private static final int FIRST_ASSIGNED_PORT = 10_000;

    private final KubernetesPlace place;
    private final MemberWorkload workload;
    private final Map<String, MemberWorkload> instance = new TreeMap<>();
    private final SoftwareImage image;

    Holes(KubernetesPlace place, MemberWorkload workload, Collection<MemberWorkload> members) {
        this.place = place;
        this.workload = workload;
        this.image = place.image(workload.software());
        members.forEach(member -> instance.put(member.ref().member(), member));
        instance.put(workload.ref().member(), workload);
    }

    /**
     * Numbers of a member's ports: the engine's usual ones, because every pod has an address of its own; the same answer for
     * every caller, so that peers agree without asking.
     */
    static Map<String, Integer> ports(MemberWorkload member) {
        Map<String, Integer> numbers = new LinkedHashMap<>();
        Set<Integer> used = new HashSet<>();
        int next = FIRST_ASSIGNED_PORT;
        for (Port port : member.ports()) {
            int number = port.preferred().orElse(next);
            while (!used.add(number)) {
                number = next++;
            }
            numbers.put(port.name(), number);
        }
        return numbers;
    }

    /** Returns the mount point of a directory's volume; the directory itself lies below, owned by the run-as user. */
    static String mountPath(String directory) {
        return "/tenon/" + directory;
    }

    static String directoryPath(String directory) {
        return mountPath(directory) + "/content";
    }

    /** Returns the name of the service that has a member's own address, ready or not. */
    static String peerService(MemberWorkload member) {
        return member.ref().externalName() + "-peer";
    }

    SoftwareImage image() {
        return image;
    }

    MemberWorkload peer(String member) {
        MemberWorkload found = instance.get(member);
        if (found == null) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    workload.ref() + " names member " + member + ", which the instance does not have");
        }
        return found;
    }

    String fill(Template template) {
        return template.render(this::fill);
    }

    List<String> fill(List<Template> templates) {
        return templates.stream().map(this::fill).toList();
    }

    /** Returns program and arguments; a program without a slash comes from the software's {@code bin}. */
    List<String> argv(List<Template> templates) {
        List<String> argv = new ArrayList<>(fill(templates));
        if (argv.get(0).indexOf('/') < 0) {
            argv.set(0, image.home() + "/bin/" + argv.get(0));
        }
        return argv;
    }

    /** Returns a command with its environment, which an exec in a container cannot have otherwise. */
    List<String> argv(Command command) {
        List<String> argv = new ArrayList<>();
        if (!command.environment().isEmpty()) {
            argv.add("env");
            new TreeMap<>(command.environment()).forEach((name, value) -> argv.add(name + "=" + fill(value)));
        }
        argv.addAll(argv(command.argv()));
        return argv;
    }

    private String fill(Part part) {
        if (part instanceof Literal literal) {
            return literal.text();
        }
        if (part instanceof DirectoryPath directory) {
            return directoryPath(directory.directory());
        }
        if (part instanceof PortNumber port) {
            return number(workload, port.port());
        }
        if (part instanceof SoftwareHome) {
            return image.home();
        }
        if (part instanceof ListenAddress) {
            // A pod's address is not known before it runs, and nothing else shares its network namespace.
            return "0.0.0.0";
        }
        if (part instanceof RunAsUser || part instanceof OperatorUser) {
            // Administration beside the process is an exec in its container, which has the container's user.
            return image.user();
        }
        if (part instanceof PeerAddress address) {
            return peerService(peer(address.member())) + "." + place.namespace() + ".svc";
        }
        if (part instanceof PeerSource) {
            // A pod's address is another after each start, and its name is not what a reverse look-up of the address
            // gives.
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED, "Kubernetes does not say where a member's connections come from");
        }
        PeerPort port = (PeerPort) part;
        return number(peer(port.member()), port.port());
    }

    private static String number(MemberWorkload member, String port) {
        Integer number = ports(member).get(port);
        if (number == null) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, member.ref() + " has no port named " + port);
        }
        return number.toString();
    }
}
