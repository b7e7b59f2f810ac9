package dev.tenon.k8s;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Labels that objects are found by, and annotations that say more. */
final class Labels {
    static final String TENANT = "tenon.dev/tenant";
    static final String INSTANCE = "tenon.dev/instance";
    static final String MEMBER = "tenon.dev/member";

    /** The highest lease epoch that a control plane wrote this object under; a lower one must not write. */
    static final String EPOCH = "tenon.dev/epoch";

    /** Digest of the files that only a restart makes visible: a pod whose digest differs from its set's waits for one. */
    static final String RESTART_DIGEST = "tenon.dev/restart-digest";

    private static final String MANAGED_BY = "app.kubernetes.io/managed-by";
    private static final String NAME = "app.kubernetes.io/name";
    private static final Pattern KEY = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,50}[a-z0-9])?");

    private Labels() {}

    /** Returns what selects the pods of one member. */
    static Map<String, String> member(MemberRef ref) {
        return new TreeMap<>(Map.of(INSTANCE, ref.instance().value(), MEMBER, ref.member()));
    }

    /** Returns what selects the pods of all members of an instance. */
    static Map<String, String> instance(MemberRef ref) {
        return Map.of(INSTANCE, ref.instance().value());
    }

    static Map<String, String> all(MemberWorkload workload) {
        Map<String, String> labels = new TreeMap<>(member(workload.ref()));
        labels.put(TENANT, workload.ref().tenant().value());
        labels.put(MANAGED_BY, "tenon");
        labels.put(NAME, workload.software().engine().value());
        return labels;
    }

    static ObjectMeta meta(String namespace, String name, MemberWorkload workload, Epoch epoch) {
        Map<String, String> annotations = new TreeMap<>();
        annotations.put(EPOCH, Long.toString(epoch.value()));
        // As annotations: a label's value may not hold what people write.
        workload.labels().forEach((key, value) -> {
            if (!KEY.matcher(key).matches()) {
                throw new InvalidSpecException("labels", "expected keys of 1 to 52 characters of a-z, 0-9, - and .");
            }
            annotations.put("label.tenon.dev/" + key, value);
        });
        return new ObjectMetaBuilder()
                .withNamespace(namespace)
                .withName(name)
                .withLabels(all(workload))
                .withAnnotations(annotations)
                .build();
    }
}
