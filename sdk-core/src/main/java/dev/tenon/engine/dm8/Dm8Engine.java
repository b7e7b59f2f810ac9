package dev.tenon.engine.dm8;

import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDescription;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.engine.SoftwareTool;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Dameng DM8, described but not yet operated: {@link #workloads} and {@link #bootstrap} say what a single server and a guarded
 * primary/standby group need; {@link #connect} refuses.
 *
 * <p>Thread-safe, without state.
 */
public final class Dm8Engine implements EngineDriver {
    static final String VERSION = "8";

    /** Creates the driver; called by {@link java.util.ServiceLoader}. */
    public Dm8Engine() {}

    @Override
    public EngineDescription describe() {
        return new EngineDescription(
                EngineId.DM8,
                "Dameng DM8",
                List.of(VERSION),
                Set.of(TopologyKind.SINGLE, TopologyKind.PRIMARY_STANDBY),
                false);
    }

    /** Always refuses: only a running server's {@code V$DM_INI} knows names, types and bounds of a build. */
    @Override
    public ParameterCatalogue parameters(String version, SoftwareTool tool) {
        throw new ProviderException(
                ErrorCode.UNSUPPORTED,
                "DM8 parameters can only be read from V$DM_INI of a running server, not from a program");
    }

    @Override
    public Sizing sizing(String version, Resources resources, Map<String, String> parameters) {
        checkVersion(version);
        checkNoParameters(parameters);
        return Dm8Sizing.of(resources);
    }

    @Override
    public Set<String> secretsNeeded() {
        return Set.of(Dm8Passwords.SYSDBA, Dm8Passwords.SYSAUDITOR);
    }

    @Override
    public List<MemberWorkload> workloads(EngineRequest request) {
        return group(request).members();
    }

    @Override
    public List<BootstrapStep> bootstrap(EngineRequest request) {
        return Dm8Bootstrap.steps(group(request));
    }

    /** Returns all changed names: settings are written with scope 2, the file, which is the one scope every type allows. */
    @Override
    public Set<String> restartNeeded(String version, Map<String, String> before, Map<String, String> after) {
        Set<String> changed = new HashSet<>(before.keySet());
        changed.addAll(after.keySet());
        changed.removeIf(name -> before.containsKey(name) && before.get(name).equals(after.get(name)));
        return Set.copyOf(changed);
    }

    /**
     * Always refuses.
     *
     * @throws ProviderException {@code SOFTWARE_MISSING} without the vendor's JDBC driver on the class path, else
     *     {@code UNSUPPORTED}
     */
    @Override
    public EngineSession connect(EngineRequest request, AdminAddress address, Duration timeout) {
        Dm8DataSource.requireDriver();
        throw new ProviderException(
                ErrorCode.UNSUPPORTED,
                "sessions with DM8 are not implemented: its workloads are only described so far");
    }

    @Override
    public ConnectionInfo connection(EngineRequest request, ClientEndpoint endpoint, String database, String user) {
        return Dm8Connection.info(endpoint, database, user);
    }

    private static Dm8Group group(EngineRequest request) {
        checkVersion(request.version());
        checkNoParameters(request.parameters());
        if (request.tls().isPresent()) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "tls",
                    "DM8 has no mode that authenticates only the server; its certificates are not described yet");
        }
        TopologyKind kind = request.topology().kind();
        if (kind != TopologyKind.SINGLE && kind != TopologyKind.PRIMARY_STANDBY) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED, "topology", kind + "; DM8 is described for SINGLE and PRIMARY_STANDBY");
        }
        return new Dm8Group(request, Dm8Sizing.of(request.resources()), Dm8Passwords.of(request.secrets()));
    }

    private static void checkVersion(String version) {
        if (!version.equals(VERSION)) {
            throw new InvalidSpecException(
                    ErrorCode.VERSION_UNKNOWN,
                    "engine.version",
                    "not a version of DM8 known here; expected " + VERSION);
        }
    }

    private static void checkNoParameters(Map<String, String> parameters) {
        if (!parameters.isEmpty()) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "parameters",
                    "DM8 parameters cannot be checked before a server runs; leave them out");
        }
    }
}
