package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.spi.workload.Template;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Fills the holes of templates for one member on this host.
 *
 * @param directories absolute paths by name
 * @param ports numbers by name
 * @param softwareHome where the programs are
 * @param listen address that processes bind
 * @param runAs users
 * @param peers the other members of the instance
 * @param executable whether a path is a program
 */
record Rendering(
        Map<String, String> directories,
        Map<String, Integer> ports,
        Path softwareHome,
        String listen,
        RunAs runAs,
        Peers peers,
        Predicate<Path> executable) {

    /** Fills holes for a member of this machine. */
    Rendering(
            Map<String, String> directories,
            Map<String, Integer> ports,
            Path softwareHome,
            String listen,
            RunAs runAs,
            Peers peers) {
        this(directories, ports, softwareHome, listen, runAs, peers, Files::isExecutable);
    }

    String text(Template template) {
        return template.render(this::fill);
    }

    /** Returns program and arguments; a program without a slash is one of the software's. */
    List<String> argv(List<Template> argv) {
        List<String> words = argv.stream().map(this::text).collect(Collectors.toList());
        if (words.isEmpty()) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "a command without a program");
        }
        if (words.get(0).indexOf('/') < 0) {
            Path program = softwareHome.resolve("bin").resolve(words.get(0));
            if (!executable.test(program)) {
                throw Failures.of(ErrorCode.SOFTWARE_MISSING, softwareHome + " has no program " + words.get(0));
            }
            words.set(0, program.toString());
        }
        return words;
    }

    Map<String, String> environment(Map<String, Template> environment) {
        Map<String, String> rendered = new LinkedHashMap<>();
        environment.forEach((name, value) -> rendered.put(name, text(value)));
        return rendered;
    }

    private String fill(Template.Part part) {
        if (part instanceof Template.Literal literal) {
            return literal.text();
        } else if (part instanceof Template.DirectoryPath path) {
            return known(directories.get(path.directory()), part);
        } else if (part instanceof Template.PortNumber port) {
            return known(ports.get(port.port()), part).toString();
        } else if (part instanceof Template.SoftwareHome) {
            return softwareHome.toString();
        } else if (part instanceof Template.ListenAddress) {
            return listen;
        } else if (part instanceof Template.PeerAddress peer) {
            return peers.address(peer.member());
        } else if (part instanceof Template.PeerSource peer) {
            return peers.source(peer.member());
        } else if (part instanceof Template.RunAsUser) {
            return runAs.user().name();
        } else if (part instanceof Template.OperatorUser) {
            return runAs.operator().name();
        } else if (part instanceof Template.PeerPort peer) {
            return Integer.toString(peers.port(peer.member(), peer.port()));
        }
        throw Failures.of(ErrorCode.UNSUPPORTED, "this place cannot fill " + part);
    }

    private static <T> T known(@Nullable T value, Template.Part part) {
        if (value == null) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "the workload declares nothing for " + part);
        }
        return value;
    }
}
