package dev.tenon.core.change;

import dev.tenon.api.Change;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Preview;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.spec.Charge;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.core.tenancy.QuotaLedger;
import dev.tenon.core.tenancy.TenantDoc;
import dev.tenon.spi.store.StateStore;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes a plan down for people, with a digest that changes when the plan or what it rests on changes. */
final class Previews {
    private Previews() {}

    /**
     * Returns the preview.
     *
     * @param ends whether a running database ends and stays ended
     * @param basis stands for the instance's state
     */
    static Preview of(
            Change change,
            Optional<InstanceId> instance,
            ChangePlan plan,
            StateStore store,
            TenantDoc tenant,
            Charge charge,
            boolean ends,
            String basis) {
        return Preview.builder()
                .change(change)
                .instance(instance)
                .steps(plan.steps().stream()
                        .map(step -> new Preview.Step(step, StepNames.text(step)))
                        .toList())
                .restart(plan.restart())
                .interruption(ends ? Optional.empty() : Optional.of(plan.interruption()))
                .differences(plan.differences())
                .quota(QuotaLedger.effects(
                        store, tenant.id(), charge, tenant.spec().quota()))
                .needsApproval(plan.approval())
                .warnings(plan.warnings())
                .digest(digest(change, instance, plan, tenant, charge, basis))
                .build();
    }

    /**
     * What other instances use of the quota is left out on purpose: a busy tenant's previews would all be stale at once, and the
     * commit refuses what does not fit anyway.
     */
    private static String digest(
            Change change,
            Optional<InstanceId> instance,
            ChangePlan plan,
            TenantDoc tenant,
            Charge charge,
            String basis) {
        List<Map<String, Object>> differences = plan.differences().stream()
                .map(difference -> Fields.writer()
                        .put("name", difference.name())
                        .put("before", difference.before())
                        .put("after", difference.after())
                        .map())
                .toList();
        String text = Json.write(Fields.writer()
                .put("change", SpecCodec.change(change))
                .put("instance", instance)
                .put("spec", SpecCodec.instance(plan.spec()))
                .put("resources", SpecCodec.resources(plan.resources()))
                .put("steps", plan.steps())
                .put("restart", plan.restart())
                .put("interruption", plan.interruption())
                .put("differences", differences)
                .put("approval", plan.approval())
                .put("purge", plan.purge())
                .put(
                        "warnings",
                        plan.warnings().stream().map(Preview.Warning::text).toList())
                .put("quota", SpecCodec.quota(tenant.spec().quota()))
                .put("charge", charge.toString())
                .put("basis", basis)
                .map());
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
