package dev.tenon.engine.dm8;

import dev.tenon.api.DataSize;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import dev.tenon.spi.workload.Template.DirectoryPath;
import dev.tenon.spi.workload.Template.Part;
import dev.tenon.spi.workload.Template.PeerAddress;
import dev.tenon.spi.workload.Template.PeerPort;
import dev.tenon.spi.workload.Template.PortNumber;
import dev.tenon.spi.workload.Template.SoftwareHome;
import java.util.List;
import java.util.Map;

/** Requests for DM8 instances, and a place that exists only as text. */
final class Dm8Requests {
    static final String SYSDBA_PASSWORD = "Canary_Dba_12345";
    static final String SYSAUDITOR_PASSWORD = "Canary_Aud_12345";
    static final Resources EIGHT_GIB = Resources.of(4, DataSize.gib(8), DataSize.gib(50));

    private static final Map<String, Integer> PORTS =
            Map.of("sql", 5236, "mal", 5336, "watcher", 5436, "inst-watcher", 5536);

    private Dm8Requests() {}

    static EngineRequest.Builder request(Topology topology) {
        return EngineRequest.builder()
                .tenant(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"))
                .instance(new InstanceId("i-ordersordersordersor"))
                .name("orders")
                .version("8")
                .topology(topology)
                .resources(EIGHT_GIB)
                .putSecrets("sysdba", Secret.of(SYSDBA_PASSWORD))
                .putSecrets("sysauditor", Secret.of(SYSAUDITOR_PASSWORD))
                .ephemeral(false);
    }

    static String text(Template template) {
        return template.render(Dm8Requests::fill);
    }

    static List<String> text(List<Template> templates) {
        return templates.stream().map(Dm8Requests::text).toList();
    }

    static MemberWorkload member(List<MemberWorkload> members, String name) {
        return members.stream()
                .filter(member -> member.ref().member().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static String file(MemberWorkload member, String path) {
        return text(fileSpec(member, path).content());
    }

    static FileSpec fileSpec(MemberWorkload member, String path) {
        return member.files().stream()
                .filter(file -> file.path().equals(path))
                .findFirst()
                .orElseThrow();
    }

    /** One line per step, as an operator would write it down. */
    static String line(BootstrapStep step) {
        if (step instanceof BootstrapStep.Prepare prepare) {
            return "prepare " + prepare.workload().ref().member();
        }
        if (step instanceof BootstrapStep.Start start) {
            return "start " + start.workload().ref().member() + ": "
                    + text(start.workload().processes().get(0).argv());
        }
        if (step instanceof BootstrapStep.Statements statements) {
            return "sql " + statements.member() + ": " + statements.name();
        }
        if (step instanceof BootstrapStep.Stop stop) {
            return "stop " + stop.member();
        }
        if (step instanceof BootstrapStep.Run run) {
            return "run " + run.member() + ": " + text(run.command().argv());
        }
        if (step instanceof BootstrapStep.Copy copy) {
            return "copy " + copy.from() + ":" + copy.directory() + "/" + copy.path() + " to " + copy.to();
        }
        BootstrapStep.Delete delete = (BootstrapStep.Delete) step;
        return "delete " + delete.member() + ":" + delete.directory() + "/" + delete.path();
    }

    private static String fill(Part part) {
        if (part instanceof DirectoryPath directory) {
            return "/srv/" + directory.directory();
        }
        if (part instanceof PortNumber port) {
            return PORTS.get(port.port()).toString();
        }
        if (part instanceof SoftwareHome) {
            return "/dm8";
        }
        if (part instanceof PeerAddress peer) {
            return peer.member() + ".test";
        }
        if (part instanceof PeerPort peer) {
            return PORTS.get(peer.port()).toString();
        }
        throw new AssertionError("DM8 does not use " + part);
    }
}
