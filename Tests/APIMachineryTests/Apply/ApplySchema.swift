@testable import APIMachinery

/// A kind with every sort of list and map.
enum ApplySchema {
    typealias Field = SchemaBuilder.Field

    static let type: TypeSchema = {
        var builder = SchemaBuilder()
        let strings = SchemaBuilder.Kind.list(Field("", .string))
        let map = SchemaBuilder.Kind.map(Field("", .string))
        builder.add(
            "Thing",
            [
                Field("apiVersion", .string, flags: .omitEmpty), Field("kind", .string, flags: .omitEmpty),
                Field("metadata", .object("Meta")), Field("spec", .object("Spec")),
                Field("status", .object("Status")),
            ])
        builder.add(
            "Meta",
            [
                Field("name", .string, flags: .omitEmpty), Field("labels", map, flags: .omitEmpty),
                Field("annotations", map, flags: .omitEmpty),
                Field("finalizers", strings, flags: [.omitEmpty, .setList]),
            ])
        builder.add(
            "Spec",
            [
                Field("replicas", .int32, flags: [.omitEmpty, .pointer]),
                Field("memory", .quantity, flags: [.omitEmpty, .pointer]),
                Field("args", strings, flags: [.omitEmpty, .atomicList]),
                Field("selector", map, flags: [.omitEmpty, .atomicMap]),
                Field("free", .any, flags: .omitEmpty),
                keyed("parts", "Part", ["name"], flags: []),
                keyed("ports", "Port", ["port", "protocol"], flags: .omitEmpty),
            ])
        builder.add(
            "Part",
            [
                Field("name", .string), Field("image", .string, flags: .omitEmpty),
                keyed("ports", "Port", ["port", "protocol"], flags: .omitEmpty),
                Field("limits", .object("Limits")),
            ])
        builder.add("Limits", [Field("cpu", .quantity, flags: [.omitEmpty, .pointer])])
        var transport = Field("protocol", .string, flags: .omitEmpty)
        transport.defaultValue = "TCP"
        builder.add("Port", [Field("port", .int32), transport, Field("name", .string, flags: .omitEmpty)])
        builder.add("Status", [Field("ready", .int32, flags: .omitEmpty)])
        let table = SchemaTable(builder.build())
        guard let type = table.type(named: "Thing") else { preconditionFailure("the type was just added") }
        return type
    }()

    static func ownership(_ apiVersion: String = "v1", subresource: String = "") -> FieldOwnership {
        FieldOwnership(type: type, apiVersion: apiVersion, subresource: subresource)
    }

    private static func keyed(
        _ name: String, _ type: String, _ keys: [String], flags: FieldSchema.Flags
    ) -> Field {
        var field = Field(name, .list(Field("", .object(type))), flags: flags.union(.mapList))
        field.listMapKeys = keys
        return field
    }
}
