//! placeholder
/// placeholder
pub async fn play(_json: bool) -> Result<bool, std::io::Error> {
    Ok(true)
}
