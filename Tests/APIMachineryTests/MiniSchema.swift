@testable import APIMachinery

/// A few types that look like a Deployment, with the marks of the real ones.
enum MiniSchema {
    typealias Field = SchemaBuilder.Field

    static let table: SchemaTable = {
        var builder = SchemaBuilder()
        builder.add(
            "Deployment",
            [
                Field("apiVersion", .string), Field("kind", .string),
                Field("metadata", .object("ObjectMeta"), number: 1),
                Field("spec", .object("DeploymentSpec"), number: 2),
            ])
        builder.add(
            "ObjectMeta",
            [
                Field("name", .string, number: 1, flags: .omitEmpty),
                Field("generation", .int64, number: 7, flags: .omitEmpty),
                Field("creationTimestamp", .time, number: 8, flags: [.omitEmpty, .omitZero]),
                Field("deletionTimestamp", .time, number: 9, flags: [.omitEmpty, .pointer]),
                Field("labels", .map(Field("", .string)), number: 11, flags: .omitEmpty),
                Field("annotations", .map(Field("", .string)), number: 12, flags: .omitEmpty),
                Field("finalizers", .list(Field("", .string)), number: 14, flags: [.omitEmpty, .patchMerge]),
            ])
        builder.add(
            "DeploymentSpec",
            [
                Field("replicas", .int32, number: 1, flags: [.omitEmpty, .pointer]),
                Field("strategy", .object("Strategy"), number: 4, flags: [.omitEmpty, .patchRetainKeys]),
                Field("template", .object("PodTemplateSpec"), number: 3),
            ])
        builder.add(
            "Strategy",
            [
                Field("type", .string, number: 1, flags: .omitEmpty),
                Field("rollingUpdate", .object("RollingUpdate"), number: 2, flags: [.omitEmpty, .pointer]),
            ])
        builder.add(
            "RollingUpdate",
            [
                Field("maxSurge", .intOrString, number: 2, flags: [.omitEmpty, .pointer]),
                Field("maxUnavailable", .intOrString, number: 1, flags: [.omitEmpty, .pointer]),
            ])
        builder.add(
            "PodTemplateSpec",
            [
                Field("metadata", .object("ObjectMeta"), number: 1),
                Field("spec", .object("PodSpec"), number: 2),
            ])
        builder.add(
            "PodSpec",
            [
                listed("containers", "Container", number: 2, key: "name"),
                listed("volumes", "Volume", number: 1, key: "name"),
                Field("nodeSelector", .map(Field("", .string)), number: 7, flags: [.omitEmpty, .atomicMap]),
                Field("restartPolicy", .string, number: 3, flags: .omitEmpty),
            ])
        builder.add(
            "Container",
            [
                Field("name", .string, number: 1), Field("image", .string, number: 2, flags: .omitEmpty),
                Field("args", .list(Field("", .string)), number: 4, flags: .omitEmpty),
                listed("ports", "Port", number: 6, key: "containerPort"),
                listed("env", "EnvVar", number: 7, key: "name"),
                Field("stdin", .bool, number: 16, flags: .omitEmpty),
                Field("resources", .object("Resources"), number: 8, flags: [.omitEmpty]),
            ])
        builder.add("Resources", [Field("limits", .map(Field("", .quantity)), number: 1, flags: .omitEmpty)])
        builder.add(
            "Port",
            [
                Field("containerPort", .int32, number: 3),
                Field("name", .string, number: 1, flags: .omitEmpty),
                Field("protocol", .string, number: 4, flags: .omitEmpty),
            ])
        builder.add(
            "EnvVar",
            [
                Field("name", .string, number: 1), Field("value", .string, number: 2, flags: .omitEmpty),
            ])
        builder.add(
            "Volume",
            [
                Field("name", .string, number: 1),
                Field("", .object("VolumeSource"), number: 2, flags: .inline),
                Field("emptyDir", .object("EmptyDir"), flags: [.omitEmpty, .pointer]),
                Field("secret", .object("SecretSource"), flags: [.omitEmpty, .pointer]),
            ])
        builder.add(
            "VolumeSource",
            [
                Field("emptyDir", .object("EmptyDir"), number: 2, flags: [.omitEmpty, .pointer]),
                Field("secret", .object("SecretSource"), number: 6, flags: [.omitEmpty, .pointer]),
            ])
        builder.add("EmptyDir", [Field("medium", .string, number: 1, flags: .omitEmpty)])
        builder.add("SecretSource", [Field("secretName", .string, number: 1, flags: .omitEmpty)])
        return SchemaTable(builder.build())
    }()

    static func type(_ name: String) -> TypeSchema {
        guard let type = table.type(named: name) else {
            preconditionFailure("\(name) is one of the types above")
        }
        return type
    }

    private static func listed(_ name: String, _ type: String, number: Int, key: String) -> Field {
        var field = Field(
            name, .list(Field("", .object(type))), number: number, flags: [.omitEmpty, .patchMerge])
        field.patchMergeKey = key
        return field
    }
}
