use prost::Message as _;
use prost_types::FileDescriptorSet;

/// The full methods (`/package.Service/Method`) of encoded descriptor sets, with those of health and reflection: what a
/// server is known to answer. A set that does not decode has none; reflection refuses to start with it.
pub fn methods(descriptor_sets: &[&[u8]]) -> Vec<String> {
    let beside = [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let sets = descriptor_sets.iter().copied().chain(beside);
    sets.filter_map(|set| FileDescriptorSet::decode(set).ok())
        .flat_map(|set| set.file)
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().flat_map(move |service| {
                let service_name = format!("{package}.{}", service.name());
                let path = move |method: prost_types::MethodDescriptorProto| {
                    format!("/{service_name}/{}", method.name())
                };
                service.method.into_iter().map(path)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn health_and_reflection_are_among_the_methods() {
        let methods = super::methods(&[]);
        for method in [
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(methods.iter().any(|known| known == method), "{methods:?}");
        }
    }
}
