import APIMachinery

/// The schema table of the messages of a gRPC interface (CRI, etcd), whose JSON names are those of the
/// `.proto` file.
func messageTable(_ facts: Value) throws -> [UInt8] {
    guard let package = facts["package"]?.string, let messages = facts["messages"]?.fields else {
        throw Complaint("these facts hold no messages")
    }
    let names = Set(messages.keys)
    /// etcd's messages are in several packages and say so, the container runtime's are in one.
    func fullName(_ name: String, from user: String) -> String {
        if name.contains("."), names.contains(name) { return name }
        let home = user.contains(".") ? String(user.prefix { $0 != "." }) : ""
        let near = home.isEmpty ? name : home + "." + name
        return names.contains(near) ? (home.isEmpty ? package + "." + near : near) : name
    }

    var builder = SchemaBuilder(isProto3: true)
    for (name, message) in messages {
        let fields = try (message["fields"]?.array ?? []).map { fact in
            let type = fact["type"]?.string ?? ""
            let kind = try messageKind(type) { fullName($0, from: name) }
            let isRepeated = fact["repeated"]?.bool == true
            return SchemaBuilder.Field(
                fact["name"]?.string ?? "", isRepeated ? .list(.init("", kind)) : kind,
                number: Int(fact["n"]?.integer ?? 0), flags: fact["oneof"] == nil ? [] : .pointer)
        }
        builder.add(name.contains(".") ? name : package + "." + name, fields)
    }
    return builder.build()
}

private func messageKind(_ type: String, _ fullName: (String) -> String) throws -> SchemaBuilder.Kind {
    if type.hasPrefix("msg:") { return .object(fullName(String(type.dropFirst(4)))) }
    if type.hasPrefix("enum:") { return .int32 }
    switch type {
    case "string": return .string
    case "bool": return .bool
    case "int32": return .int32
    case "int64": return .int64
    case "uint32": return .uint32
    case "uint64": return .uint64
    case "double": return .float64
    case "bytes": return .bytes
    case "map<string,string>": return .map(.init("", .string))
    default: throw Complaint("unknown type \(type)")
    }
}
