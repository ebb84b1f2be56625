import Support

/// The address itself. The API has a kind of the same name, of which this module knows nothing.
typealias IPAddress = Support.IPAddress
