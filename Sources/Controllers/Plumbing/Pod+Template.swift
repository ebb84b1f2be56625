import API
import APIMachinery

extension Pod {
    /// A pod made from a workload's template, controlled by the workload and named after it by the API.
    init(template: PodTemplateSpec, of owner: some ResourceView) {
        self.init(namespace: owner.meta.namespace, name: "")
        var metadata = ObjectMeta()
        metadata.namespace = owner.meta.namespace
        metadata.generateName = owner.meta.name + "-"
        metadata.labels = template.metadata.labels
        metadata.annotations = template.metadata.annotations
        metadata.finalizers = template.metadata.finalizers
        metadata.ownerReferences = [owner.controllerReference]
        self.metadata = metadata
        spec = template.spec
    }
}
