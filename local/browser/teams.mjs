// Adaptive Cards as Teams shows them: drawn by Microsoft's own library, with the measures and colours that Microsoft publishes of Teams
// (samples/HostConfig/microsoft-teams-light.json in github.com/microsoft/AdaptiveCards). Open Sans stands in for Segoe UI.

/** A colour with its opacity in front, as the library reads it. */
const INK = { default: '#ff252424', subtle: '#bf252424' };
const BACKGROUNDS = {
  default: '#ffffff',
  emphasis: '#f9f8f7',
  good: '#ccffcc',
  attention: '#ffc5b2',
  warning: '#ffe2b2',
};
const font = (fontFamily) => ({
  fontFamily,
  fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
  fontWeights: { lighter: 200, default: 400, bolder: 600 },
});
const styles = Object.entries(BACKGROUNDS).map(([name, backgroundColor]) => [
  name,
  { backgroundColor, foregroundColors: { default: INK } },
]);

const HOST = {
  supportsInteractivity: true,
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: '#eeeeee' },
  fontTypes: { default: font("'Open Sans', Twemoji, sans-serif"), monospace: font("'Source Code Pro', monospace") },
  containerStyles: Object.fromEntries(styles),
  actions: { maxActions: 6, spacing: 'default', buttonSpacing: 8, actionsOrientation: 'horizontal', actionAlignment: 'left' },
};

/** Draws the card of a message for a workflow into the element of the page with this id. What the library does not know stops it. */
export async function draw(page, id, { attachments }) {
  const [{ content }] = attachments;
  const complaints = await page.evaluate(
    (host, card, place) => {
      const { AdaptiveCard, HostConfig, SerializationContext } = globalThis.AdaptiveCards;
      const drawn = new AdaptiveCard();
      const context = new SerializationContext();
      drawn.hostConfig = new HostConfig(host);
      drawn.parse(card, context);
      document.getElementById(place).append(drawn.render());
      const found = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
      return [...found, ...drawn.validateProperties().validationEvents.map((event) => event.message)];
    },
    HOST,
    content,
    id,
  );
  if (complaints.length > 0) throw new Error(`the card is not as Microsoft reads it: ${complaints.join('; ')}`);
}
