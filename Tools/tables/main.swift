import APIMachinery

/// Writes every generated file of the package: `tables [FACTS PACKAGE]`, by default from the folder beside the
/// package that it runs in. `tables zones ZONEINFO PACKAGE` writes the rules of time zones alone, `tables scripts FILE
/// PACKAGE` the scripts of Unicode.
func run() throws {
    var folders = Array(CommandLine.arguments.dropFirst())
    if folders.count == 3, folders[0] == "zones" {
        let zones = CSource.text("zones", try ZoneTable.text(folders[1]))
        return try File.write("\(folders[2])/Sources/CTables/zones.c", zones)
    }
    if folders.count == 3, folders[0] == "scripts" {
        let path = "\(folders[2])/Sources/APIMachinery/Patterns/ScriptTable.swift"
        return try File.write(path, try ScriptTable.source(folders[1]))
    }
    if folders.isEmpty { folders = ["../shared/facts", "."] }
    guard folders.count == 2 else {
        throw Complaint(
            "usage: tables [FACTS-FOLDER PACKAGE-FOLDER | zones ZONEINFO-FOLDER PACKAGE-FOLDER"
                + " | scripts FILE PACKAGE-FOLDER]")
    }
    let (source, package) = (folders[0], folders[1])
    func fact(_ name: String) throws -> Value { try Value(json: File.read("\(source)/\(name)")) }

    let additions = try Value(json: File.read("\(package)/Tools/tables/additions.json"))
    let defaults = try fact("k8s-defaults.json")
    let facts = try KubernetesFacts(fact("k8s-api-1.36.json").adding(additions, under: ["groups"]))
    let served = try fact("k8s-resources.json").adding(
        additions, under: ["resources", "groupOrder", "apiServicePriorities"])
    let resources = try ResourceFacts(served, registry: defaults["registry"] ?? .emptyObject, facts)
    let tables = "\(package)/Sources/CTables"
    var types = facts.builder()
    try checkTypes(facts, SchemaTable(types.build()))
    try File.write("\(tables)/kubernetes.c", CSource.numbers("kubernetes", types.build()))
    try File.write("\(tables)/cri.c", CSource.numbers("cri", messageTable(fact("cri-v1.json"))))
    try File.write("\(tables)/etcd.c", CSource.numbers("etcd", messageTable(fact("etcd-v3.json"))))
    try File.write("\(tables)/resources.c", CSource.text("resources", resources.table))
    try File.write(
        "\(tables)/rbac.c", CSource.text("rbac", bootstrapObjects(fact("k8s-rbac-bootstrap.json"))))
    try File.write(
        "\(tables)/gates.c", CSource.text("gates", featureGates(defaults["featureGates"] ?? .emptyObject)))

    let views = ViewSource(facts, resources)
    for (name, text) in try views.files() { try File.write("\(package)/Sources/API/Views/\(name)", text) }
}

/// Each feature gate's default, as `true` or `false`; one that cannot be changed is a list of it alone.
func featureGates(_ facts: Value) -> Value {
    var gates = Value.emptyObject
    for (name, fact) in facts.fields ?? Fields() {
        guard let values = fact.array, let standard = values.first else { continue }
        gates[name] = values.last == "locked" ? [standard] : standard
    }
    return gates
}

do {
    try run()
} catch {
    File.complain("tables: \(error)\n")
}
